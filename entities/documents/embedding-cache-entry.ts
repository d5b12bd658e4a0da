import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A paid vector that no chunk holds any more, kept for the retry of the document that it was made for. */
export const EmbeddingCacheEntry = defineEntity({
  name: 'EmbeddingCacheEntry',
  tableName: 'embedding_cache',
  properties: {
    workspaceId: p.uuid().primary(),
    modelId: p.uuid().primary(),
    contentHash: p.blob().primary(),
    documentId: p.uuid().primary(),
    embedding: p.text().lazy().columnType('vector'),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'embedding_cache_document_id_idx', properties: ['workspaceId', 'documentId'] }],
  policies: workspacePolicies,
});

export type EmbeddingCacheEntry = InferEntity<typeof EmbeddingCacheEntry>;
