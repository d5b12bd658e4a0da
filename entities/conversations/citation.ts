import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A snapshot of the passage that an answer quotes; it outlives re-ingestion. */
export const Citation = defineEntity({
  name: 'Citation',
  tableName: 'citations',
  properties: {
    messageId: p.uuid().primary(),
    position: p.integer().primary(),
    workspaceId: p.uuid(),
    marker: p.integer(),
    documentId: p.uuid(),
    generation: p.integer(),
    chunkIndex: p.integer().nullable(),
    title: p.text(),
    sourceUrl: p.text().nullable(),
    startChar: p.integer(),
    endChar: p.integer(),
    quote: p.text(),
    page: p.integer().nullable(),
    pageEnd: p.integer().nullable(),
    pageLabel: p.text().nullable(),
    headings: p.json<string[]>().defaultRaw(`'[]'`),
    contentHash: p.blob(),
    embeddingModelId: p.uuid().nullable(),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'citations_chunk_idx', properties: ['workspaceId', 'documentId', 'generation', 'chunkIndex'] }],
  checks: [
    { name: 'citations_headings_check', expression: `jsonb_typeof(headings) = 'array'` },
    { name: 'citations_marker_check', expression: 'marker > 0' },
    { name: 'citations_position_check', expression: '"position" >= 0' },
  ],
  policies: workspacePolicies,
});

export type Citation = InferEntity<typeof Citation>;
