import { z } from 'zod';
import { idField, jsonObjectField, timestampFields, userField } from './fields.ts';
import { pageQuerySchema } from './page.ts';

/** A session of one user with one agent. */
export const conversationSchema = z.strictObject({
  id: idField,
  agent_id: idField,
  user: z.string(),
  title: z.string(),
  model_name: z.string(),
  is_archived: z.boolean(),
  active_message_id: idField.nullable().describe('The last message of the branch that is shown'),
  has_branches: z.boolean(),
  metadata: jsonObjectField,
  ...timestampFields,
});

export type Conversation = z.infer<typeof conversationSchema>;

/** Body of `POST /conversations`. */
export const createConversationSchema = z.strictObject({
  agent: z.string().min(1).max(200).default('assistant').describe('Name or id'),
  title: z.string().trim().max(500).default(''),
  metadata: jsonObjectField.default({}),
  user: userField.optional().describe('The header x-perdure-user when left out, else `default`'),
});

/** Body of `PATCH /conversations/{id}`. */
export const updateConversationSchema = z.strictObject({
  title: z.string().trim().max(500).optional(),
  is_archived: z.boolean().optional(),
  metadata: jsonObjectField.optional(),
  active_message_id: idField
    .optional()
    .describe('Shows the branch through this message, down to its newest one; the next message goes below that'),
});

/** Query of `GET /conversations`. */
export const listConversationsQuerySchema = pageQuerySchema.extend({
  user: userField.optional(),
  agent: z.string().min(1).max(200).optional().describe('Name or id'),
  is_archived: z.stringbool().optional(),
});
