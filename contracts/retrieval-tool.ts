import { z } from 'zod';
import { idField, jsonObjectField, nameField, timestampFields } from './fields.ts';
import { searchFilterSchema } from './search-filter.ts';
import { searchStrategies } from './search.ts';

/** A way of searching a source. */
export const retrievalToolSchema = z.strictObject({
  id: idField,
  name: z.string(),
  description: z.string(),
  knowledge_source_id: idField.nullable(),
  retrieval_strategy: z.enum(searchStrategies),
  filters: jsonObjectField,
  ...timestampFields,
});

/** Body of `POST /retrieval-tools`. */
export const createRetrievalToolSchema = z.strictObject({
  name: nameField,
  description: z.string().max(10_000).default(''),
  knowledge_source: z.string().min(1).max(200).nullable().default(null).describe('Name or id; null searches all'),
  retrieval_strategy: z.enum(searchStrategies).default('hybrid'),
  filters: searchFilterSchema.default({}),
});

/** Body of `PATCH /retrieval-tools/{id}`. */
export const updateRetrievalToolSchema = z
  .strictObject({
    name: nameField,
    description: z.string().max(10_000),
    knowledge_source: z.string().min(1).max(200).nullable(),
    retrieval_strategy: z.enum(searchStrategies),
    filters: searchFilterSchema,
  })
  .partial();
