import { z } from 'zod';
import { idField, jsonObjectField, nameField, timeField, timestampFields } from './fields.ts';

const knowledgeSourceTypes = ['upload', 'file', 'web', 'api', 'database', 'vector_store'] as const;

/** Where documents come from; `has_connection_string` says that a sealed one is stored, which never leaves. */
export const knowledgeSourceSchema = z.strictObject({
  id: idField,
  name: z.string(),
  type: z.enum(knowledgeSourceTypes),
  has_connection_string: z.boolean(),
  configuration: jsonObjectField,
  status: z.enum(['ready', 'syncing', 'degraded', 'failed', 'paused']),
  last_sync: timeField.nullable(),
  ...timestampFields,
});

/** Body of `POST /knowledge-sources`. */
export const createKnowledgeSourceSchema = z.strictObject({
  name: nameField,
  type: z.enum(knowledgeSourceTypes),
  connection_string: z
    .string()
    .min(1)
    .max(10_000)
    .nullable()
    .default(null)
    .describe('Sealed at once, never shown again'),
  configuration: jsonObjectField.default({}),
});

/** Body of `PATCH /knowledge-sources/{id}`. */
export const updateKnowledgeSourceSchema = z
  .strictObject({
    name: nameField,
    connection_string: z.string().min(1).max(10_000).nullable(),
    configuration: jsonObjectField,
  })
  .partial();
