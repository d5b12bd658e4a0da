import { z } from 'zod';
import { idField, nameField, timestampFields } from './fields.ts';

const promptTypes = ['system', 'user', 'assistant', 'tool'] as const;

/** A reusable prompt; each change of its text raises `version`. */
export const promptTemplateSchema = z.strictObject({
  id: idField,
  name: z.string(),
  description: z.string(),
  template: z.string(),
  variables: z.array(z.unknown()),
  type: z.enum(promptTypes),
  is_default: z.boolean(),
  version: z.int(),
  ...timestampFields,
});

/** Body of `POST /prompt-templates`. */
export const createPromptTemplateSchema = z.strictObject({
  name: nameField,
  template: z.string().min(1).max(200_000),
  type: z.enum(promptTypes),
  description: z.string().max(10_000).default(''),
  variables: z.array(z.string().min(1).max(200)).max(200).default([]),
  is_default: z.boolean().default(false).describe('At most one default of each type'),
});

/** Body of `PATCH /prompt-templates/{id}`. */
export const updatePromptTemplateSchema = z
  .strictObject({
    name: nameField,
    template: z.string().min(1).max(200_000),
    description: z.string().max(10_000),
    variables: z.array(z.string().min(1).max(200)).max(200),
    is_default: z.boolean(),
  })
  .partial();
