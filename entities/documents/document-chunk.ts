import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A passage of a generation; offsets are UTF-16 code units into its text. */
export const DocumentChunk = defineEntity({
  name: 'DocumentChunk',
  tableName: 'document_chunks',
  properties: {
    workspaceId: p.uuid().primary(),
    documentId: p.uuid().primary(),
    generation: p.integer().primary(),
    chunkIndex: p.integer().primary(),
    content: p.text(),
    startChar: p.integer(),
    endChar: p.integer(),
    tokenCount: p.integer(),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    createdAt: createdAt(),
  },
  checks: [
    { name: 'document_chunks_check', expression: 'end_char > start_char' },
    { name: 'document_chunks_chunk_index_check', expression: 'chunk_index >= 0' },
    { name: 'document_chunks_start_char_check', expression: 'start_char >= 0' },
    { name: 'document_chunks_token_count_check', expression: 'token_count >= 0' },
  ],
  policies: workspacePolicies,
});

export type DocumentChunk = InferEntity<typeof DocumentChunk>;
