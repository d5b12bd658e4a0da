import { z } from 'zod';
import { idField, timestampFields, userField } from './fields.ts';
import { pageQuerySchema } from './page.ts';

const ratingField = z
  .union([z.literal(1), z.literal(-1)])
  .describe('1 for good, -1 for bad: a scale would mean something else to each who uses it');

/** What one user thinks of one answer. */
export const feedbackSchema = z.strictObject({
  message_id: idField,
  conversation_id: idField,
  agent_id: idField,
  user: z.string(),
  rating: ratingField,
  comment: z.string(),
  ...timestampFields,
});

export type Feedback = z.infer<typeof feedbackSchema>;

/** Body of `PUT /messages/{id}/feedback`. */
export const putFeedbackSchema = z.strictObject({
  rating: ratingField,
  comment: z.string().max(10_000).default(''),
  user: userField.optional().describe("The header x-perdure-user when left out, else the conversation's user"),
});

/** Query of `DELETE /messages/{id}/feedback`. */
export const feedbackUserQuerySchema = z.strictObject({ user: userField.optional() });

/** Query of `GET /feedback`. */
export const listFeedbackQuerySchema = pageQuerySchema.extend({
  message: idField.optional(),
  conversation: idField.optional(),
  agent: z.string().min(1).max(200).optional().describe('Name or id'),
  user: userField.optional().describe('Who gave it'),
  rating: z.enum(['1', '-1']).optional(),
});
