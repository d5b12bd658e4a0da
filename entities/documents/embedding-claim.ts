import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** Says which ingestion is paying for the vector of a text right now; others wait for it until it expires. */
export const EmbeddingClaim = defineEntity({
  name: 'EmbeddingClaim',
  tableName: 'embedding_claims',
  properties: {
    workspaceId: p.uuid().primary(),
    modelId: p.uuid().primary(),
    contentHash: p.blob().primary(),
    documentId: p.uuid(),
    generation: p.integer(),
    firstChunk: p.integer(),
    expiresAt: p.datetime(6),
    createdAt: createdAt(),
  },
  indexes: [
    { name: 'embedding_claims_document_id_idx', properties: ['workspaceId', 'documentId'] },
    { name: 'embedding_claims_expires_at_idx', properties: ['expiresAt'] },
  ],
  policies: workspacePolicies,
});

export type EmbeddingClaim = InferEntity<typeof EmbeddingClaim>;
