import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What was said up to a message, in short, made once for all prompts that no longer have room for it. */
export const ConversationSummary = defineEntity({
  name: 'ConversationSummary',
  tableName: 'conversation_summaries',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    conversationId: p.uuid(),
    upToMessageId: p.uuid(),
    version: p.integer().default(1),
    content: p.text(),
    tokenCount: p.integer().nullable(),
    modelId: p.uuid().nullable(),
    createdAt: createdAt(),
  },
  uniques: [
    {
      name: 'conversation_summaries_conversation_id_up_to_message_id_ver_key',
      properties: ['conversationId', 'upToMessageId', 'version'],
    },
  ],
  indexes: [
    { name: 'conversation_summaries_conversation_idx', properties: ['workspaceId', 'conversationId'] },
    { name: 'conversation_summaries_message_idx', properties: ['workspaceId', 'upToMessageId'] },
    { name: 'conversation_summaries_model_id_idx', properties: ['workspaceId', 'modelId'] },
  ],
  checks: [
    { name: 'conversation_summaries_token_count_check', expression: 'token_count >= 0' },
    { name: 'conversation_summaries_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type ConversationSummary = InferEntity<typeof ConversationSummary>;
