import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One message, at its place in the conversation. */
export const Message = defineEntity({
  name: 'Message',
  tableName: 'messages',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    conversationId: p.uuid(),
    sequence: p.bigint('number'),
    clientMessageId: p.string().length(255).nullable(),
    parentId: p.uuid().nullable(),
    sender: p.enum(['user', 'assistant']),
    content: p.text(),
    tokenCount: p.integer().nullable(),
    modelResponseTime: p.decimal().precision(12).scale(3).nullable(),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    createdAt: createdAt(),
  },
  uniques: [
    { name: 'messages_conversation_id_client_message_id_key', properties: ['conversationId', 'clientMessageId'] },
    { name: 'messages_conversation_id_sequence_key', properties: ['conversationId', 'sequence'] },
    { name: 'messages_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [{ name: 'messages_parent_id_idx', properties: ['workspaceId', 'parentId'] }],
  checks: [
    { name: 'messages_model_response_time_check', expression: 'model_response_time >= (0)::numeric' },
    { name: 'messages_sequence_check', expression: 'sequence > 0' },
    { name: 'messages_token_count_check', expression: 'token_count >= 0' },
  ],
  policies: workspacePolicies,
});

export type Message = InferEntity<typeof Message>;
