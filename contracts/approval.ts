import { z } from 'zod';
import { idField, userField } from './fields.ts';
import { pageQuerySchema } from './page.ts';
import { callApprovalSchema, toolCallSchema } from './tool-call.ts';

/** A call of a tool that waits for a person, or has waited; it is decided by the call's own id and arguments_hash. */
export const approvalSchema = callApprovalSchema.extend({
  user: z.string().describe('Whose conversation it is'),
  agent_id: idField,
  tool_call: toolCallSchema,
});

export type Approval = z.infer<typeof approvalSchema>;

/** Query of `GET /approvals`. */
export const listApprovalsQuerySchema = pageQuerySchema.extend({
  state: callApprovalSchema.shape.state.optional(),
  conversation: idField.optional(),
  turn: idField.optional(),
  user: userField.optional().describe('Of the conversation'),
});
