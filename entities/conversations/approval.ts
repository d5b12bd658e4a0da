import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A person's decision about a call of a tool, bound to a hash of its arguments. */
export const Approval = defineEntity({
  name: 'Approval',
  tableName: 'approvals',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    toolCallId: p.uuid(),
    state: p.enum(['waiting', 'approved', 'denied', 'expired', 'cancelled']).default('waiting'),
    argumentsHash: p.text(),
    requestedAt: p.datetime(6).defaultRaw('now()'),
    expiresAt: p.datetime(6),
    decidedBy: p.text().nullable(),
    decidedAt: p.datetime(6).nullable(),
    changedArguments: p.json<Record<string, unknown>>().nullable(),
    comment: p.text().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [
    { name: 'approvals_tool_call_id_key', properties: ['toolCallId'] },
    { name: 'approvals_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [
    { name: 'approvals_requested_at_idx', properties: ['workspaceId', 'requestedAt'] },
    { name: 'approvals_tool_call_id_idx', properties: ['workspaceId', 'toolCallId'] },
  ],
  checks: [{ name: 'approvals_check', expression: `(state = 'waiting'::text) = (decided_at IS NULL)` }],
  policies: workspacePolicies,
});

export type Approval = InferEntity<typeof Approval>;
