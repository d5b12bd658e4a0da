import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A session of one user with one agent. */
export const Conversation = defineEntity({
  name: 'Conversation',
  tableName: 'conversations',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    agentId: p.uuid(),
    userId: p.uuid(),
    title: p.text().default(''),
    /** Of whom the title is: the beginning of the first question stands in for the others'. */
    titleBy: p.enum(['question', 'model', 'user']).default('question'),
    modelName: p.text().default(''),
    isArchived: p.boolean().default(false),
    lastSequence: p.bigint('number').defaultRaw('0'),
    /** Messages up to this one have taught what they could about the user. */
    learnedSequence: p.bigint('number').defaultRaw('0'),
    /** Tip of the branch that is shown. */
    activeMessageId: p.uuid().nullable(),
    hasBranches: p.boolean().default(false),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    /** The evaluation that holds it, for no user to see. */
    evaluationId: p.uuid().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [{ name: 'conversations_workspace_id_id_key', properties: ['workspaceId', 'id'] }],
  indexes: [
    { name: 'conversations_active_message_idx', properties: ['workspaceId', 'activeMessageId'] },
    { name: 'conversations_agent_id_idx', properties: ['workspaceId', 'agentId'] },
    { name: 'conversations_evaluation_id_idx', properties: ['workspaceId', 'evaluationId'] },
    {
      name: 'conversations_unlearned_idx',
      properties: ['updatedAt'],
      where: 'last_sequence > learned_sequence AND evaluation_id IS NULL AND deleted_at IS NULL',
    },
    {
      name: 'conversations_user_id_idx',
      properties: ['workspaceId', 'userId', 'createdAt'],
      columns: [{ name: 'workspaceId' }, { name: 'userId' }, { name: 'createdAt', sort: 'DESC' }],
    },
  ],
  checks: [
    { name: 'conversations_last_sequence_check', expression: 'last_sequence >= 0' },
    { name: 'conversations_learned_sequence_check', expression: 'learned_sequence >= 0' },
  ],
  policies: workspacePolicies,
});

export type Conversation = InferEntity<typeof Conversation>;
