import { z } from 'zod';
import { jsonObjectField, timestampFields, userField } from './fields.ts';

/** Path parameters of a user's memory. */
export const userMemoryParamsSchema = z.strictObject({ external_id: userField });

/** What is remembered of a user: one row, replaced as a whole. */
export const userMemorySchema = z.strictObject({
  user: z.string(),
  memory: z.string(),
  metadata: jsonObjectField,
  ...timestampFields,
});

/** Body of `PUT /users/{external_id}/memory`. */
export const putUserMemorySchema = z.strictObject({
  memory: z.string().max(100_000),
  metadata: jsonObjectField.default({}),
});
