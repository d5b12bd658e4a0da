import { z } from 'zod';
import { conversationSchema } from './conversation.ts';
import { feedbackSchema } from './feedback.ts';
import { idField, timeField } from './fields.ts';
import { messageSchema } from './message.ts';
import { toolCallSchema } from './tool-call.ts';

/** Query of `GET /conversations/{id}/export`. */
export const exportQuerySchema = z.strictObject({
  format: z.enum(['json', 'markdown']).default('json').describe('json: everything; markdown: the branch that is shown'),
});

/** A conversation with all its branches, as it leaves Perdure. */
export const conversationExportSchema = z.strictObject({
  format: z.literal(1),
  conversation: conversationSchema,
  messages: z
    .array(messageSchema)
    .describe('Of all branches, in the order of their sequence; parent_id makes the tree'),
  turns: z.array(
    z.strictObject({
      id: idField,
      user_message_id: idField,
      assistant_message_id: idField.nullable(),
      kind: z.enum(['message', 'regenerate', 'edit', 'retry']),
      state: z.enum(['accepted', 'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled']),
      error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
      attempt: z.int(),
      agent_version: z.int(),
      model: z.string(),
      created_at: timeField,
      completed_at: timeField.nullable(),
    }),
  ),
  tool_calls: z.array(toolCallSchema).describe('In the order of their turns'),
  feedback: z.array(feedbackSchema),
});

export type ConversationExport = z.infer<typeof conversationExportSchema>;
