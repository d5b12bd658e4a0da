import { z } from 'zod';
import { idField, jsonObjectField, timeField } from './fields.ts';
import { pageQuerySchema } from './page.ts';

/** Where a call of a tool is. */
export const toolCallStates = [
  'invalid', 'proposed', 'approved', 'denied', 'expired', 'executing', 'succeeded', 'failed', 'needs_review', 'cancelled',
] as const; // prettier-ignore

/** A person's decision about a call, or the wait for it. */
export const callApprovalSchema = z.strictObject({
  id: idField,
  state: z.enum(['waiting', 'approved', 'denied', 'expired', 'cancelled']),
  arguments_hash: z.string().describe('SHA-256 of the arguments: what a decision is bound to'),
  requested_at: timeField,
  expires_at: timeField.describe('When it becomes a denial'),
  decided_by: z.string().nullable(),
  decided_at: timeField.nullable(),
  changed_arguments: jsonObjectField.nullable().describe("Given by the person in place of the model's"),
  comment: z.string().nullable(),
});

/** A call of a tool that a model has asked for, and what became of it. */
export const toolCallSchema = z.strictObject({
  id: idField,
  conversation_id: idField,
  turn_id: idField,
  step: z.int(),
  position: z.int().describe('Among the calls of the step'),
  tool: z.strictObject({
    type: z.enum(['rag_tool', 'retrieval_tool', 'tool', 'builtin']).nullable().describe('null: there is no such tool'),
    id: idField.nullable(),
    name: z.string(),
    version: z.int().nullable(),
  }),
  effect: z.enum(['read', 'write']),
  idempotent: z.boolean(),
  arguments: jsonObjectField.nullable().describe('null when what the model wrote cannot be used'),
  arguments_hash: z.string(),
  state: z
    .enum(toolCallStates)
    .describe('needs_review: it was interrupted, and a person must find out whether it had its effect'),
  attempts: z.int().describe('How many times it was begun'),
  result: z.string().nullable().describe('What the model reads'),
  result_bytes: z.int().nullable().describe('Before it was cut'),
  truncated: z.boolean(),
  error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
  approval: callApprovalSchema.nullable(),
  settlement: z.enum(['confirmed_succeeded', 'confirmed_failed', 'run_again']).nullable(),
  settled_by: z.string().nullable(),
  settled_at: timeField.nullable(),
  created_at: timeField,
  started_at: timeField.nullable(),
  finished_at: timeField.nullable(),
});

export type ToolCall = z.infer<typeof toolCallSchema>;

/** Query of `GET /tool-calls`. */
export const listToolCallsQuerySchema = pageQuerySchema.extend({
  turn: idField.optional(),
  conversation: idField.optional(),
  state: z.enum(toolCallStates).optional(),
});

const hashField = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be the arguments_hash of the call')
  .describe('Of the arguments that were shown: a decision about others is refused');
const commentField = z.string().max(10_000).optional();

/** Body of `POST /tool-calls/{id}/approve`. */
export const approveCallSchema = z.strictObject({
  arguments_hash: hashField,
  arguments: jsonObjectField.optional().describe("Run with these instead of the model's"),
  comment: commentField,
});

/** Body of `POST /tool-calls/{id}/deny`. */
export const denyCallSchema = z.strictObject({
  arguments_hash: hashField,
  comment: commentField.describe('The model reads it'),
});

/** Body of `POST /tool-calls/{id}/settle`. */
export const settleCallSchema = z.strictObject({
  outcome: z.enum(['succeeded', 'failed', 'run_again']),
  result: z.string().max(100_000).optional().describe('What the call gave; the model reads it'),
});
