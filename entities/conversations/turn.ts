import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { ModelFault } from '../../contracts/names/model-faults.ts';
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
    /** Counts the turns of a conversation from 1, in the order in which they were accepted; a trigger gives it. */
    number: p.integer(),
    userMessageId: p.uuid(),
    assistantMessageId: p.uuid().nullable(),
    agentId: p.uuid(),
    agentVersion: p.integer(),
    modelId: p.uuid(),
    state: p.enum(['accepted', 'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled']).default('accepted'),
    error: p.json<{ code: string; detail: string }>().nullable(),
    kind: p.enum(['message', 'regenerate', 'edit', 'retry']).default('message'),
    replacesTurnId: p.uuid().nullable(),
    /** The step that is run next or runs now; those before it are done. */
    step: p.integer().default(0),
    topic: p.text().nullable(),
    versions: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    limits: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    limitReached: p.enum(['steps', 'tokens', 'seconds', 'cost']).nullable(),
    waitingSince: p.datetime(6).nullable(),
    /** For people, in all; a limit of time does not count it. */
    waitedSeconds: p.decimal('number').precision(14).scale(3).defaultRaw('0'),
    /** The calls of a model that failed, in their order. The model of the turn is the one that answers it now. */
    modelFaults: p.json<ModelFault[]>().defaultRaw(`'[]'`),
    attempt: p.integer().default(0),
    /** Temporal's names for whoever runs the step: a worker that wakes up too late knows itself by them. */
    activityId: p.text().nullable(),
    activityAttempt: p.integer().nullable(),
    /** Of an answer that was begun before its workflow has heard of the turn: until when nobody else goes on with it. */
    leasedUntil: p.datetime(6).nullable(),
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
    { name: 'turns_workspace_id_id_key', properties: ['workspaceId', 'id'] },
    { name: 'turns_conversation_id_number_key', properties: ['workspaceId', 'conversationId', 'number'] },
  ],
  indexes: [
    {
      name: 'turns_busy_idx',
      properties: ['conversationId', 'createdAt'],
      where: "state = ANY (ARRAY['accepted'::text, 'queued'::text, 'running'::text, 'waiting'::text])",
    },
    { name: 'turns_replaces_turn_id_idx', properties: ['workspaceId', 'replacesTurnId'] },
    { name: 'turns_user_message_id_idx', properties: ['workspaceId', 'userMessageId'] },
    { name: 'turns_unheard_idx', properties: ['updatedAt'], where: "activity_id = 'early'::text" },
    {
      name: 'turns_unfinished_idx',
      properties: ['updatedAt'],
      where: "state = ANY (ARRAY['accepted'::text, 'queued'::text, 'running'::text, 'waiting'::text])",
    },
  ],
  checks: [
    { name: 'turns_attempt_check', expression: 'attempt >= 0' },
    { name: 'turns_limits_check', expression: `jsonb_typeof(limits) = 'object'::text` },
    { name: 'turns_model_faults_check', expression: `jsonb_typeof(model_faults) = 'array'::text` },
    { name: 'turns_step_check', expression: 'step >= 0' },
    { name: 'turns_versions_check', expression: `jsonb_typeof(versions) = 'object'::text` },
    { name: 'turns_waited_seconds_check', expression: 'waited_seconds >= (0)::numeric' },
    { name: 'turns_check', expression: `(state <> 'failed'::text) OR (error IS NOT NULL)` },
  ],
  policies: workspacePolicies,
});

export type Turn = InferEntity<typeof Turn>;
