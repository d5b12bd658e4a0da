import { defineEntity, p, type InferEntity, type Opt } from '@mikro-orm/core';
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
    searchVector: p
      .text()
      .$type<Opt<string>>()
      .lazy()
      .columnType('tsvector')
      .generated(`(to_tsvector('english'::regconfig, content)) stored`),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'document_chunks_search_vector_idx', properties: ['searchVector'], type: 'gin' }],
  checks: [
    { name: 'document_chunks_check', expression: 'end_char > start_char' },
    { name: 'document_chunks_chunk_index_check', expression: 'chunk_index >= 0' },
    { name: 'document_chunks_start_char_check', expression: 'start_char >= 0' },
    { name: 'document_chunks_token_count_check', expression: 'token_count >= 0' },
  ],
  policies: workspacePolicies,
});

export type DocumentChunk = InferEntity<typeof DocumentChunk>;
