import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What one user thinks of one answer. */
export const Feedback = defineEntity({
  name: 'Feedback',
  tableName: 'feedback',
  properties: {
    messageId: p.uuid().primary(),
    userId: p.uuid().primary(),
    workspaceId: p.uuid(),
    /** 1 or -1. */
    rating: p.smallint(),
    comment: p.text().default(''),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  indexes: [
    { name: 'feedback_message_id_idx', properties: ['workspaceId', 'messageId'] },
    { name: 'feedback_user_id_idx', properties: ['workspaceId', 'userId'] },
    { name: 'feedback_created_at_idx', properties: ['workspaceId', 'createdAt'] },
  ],
  checks: [{ name: 'feedback_rating_check', expression: 'abs(rating) = 1' }],
  policies: workspacePolicies,
});

export type Feedback = InferEntity<typeof Feedback>;
