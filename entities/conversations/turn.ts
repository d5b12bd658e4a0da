import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** The work on one user message, from acceptance to the assistant's message or a stated end. */
export const Turn = defineEntity({
  name: 'Turn',
  tableName: 'turns',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    conversationId: p.uuid(),
    userMessageId: p.uuid(),
    assistantMessageId: p.uuid().nullable(),
    agentId: p.uuid(),
    agentVersion: p.integer(),
    modelId: p.uuid(),
    state: p.enum(['accepted', 'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled']).default('accepted'),
    error: p.json<{ code: string; detail: string }>().nullable(),
    attempt: p.integer().default(0),
    cancelRequestedAt: p.datetime(6).nullable(),
    workflowId: p.text(),
    runId: p.text().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: p.datetime(6).nullable(),
    completedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'turns_assistant_message_id_key', properties: ['assistantMessageId'] },
    { name: 'turns_user_message_id_key', properties: ['userMessageId'] },
    { name: 'turns_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [
    { name: 'turns_conversation_id_idx', properties: ['workspaceId', 'conversationId', 'createdAt'] },
    {
      name: 'turns_unfinished_idx',
      properties: ['updatedAt'],
      where: "state = ANY (ARRAY['accepted'::text, 'queued'::text, 'running'::text, 'waiting'::text])",
    },
  ],
  checks: [
    { name: 'turns_attempt_check', expression: 'attempt >= 0' },
    { name: 'turns_check', expression: `(state <> 'failed'::text) OR (error IS NOT NULL)` },
  ],
  policies: workspacePolicies,
});

export type Turn = InferEntity<typeof Turn>;
