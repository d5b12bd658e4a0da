import type { ChunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import { termCounter } from '../../domain/lexical/count-terms.ts';
import type { ChunkTerms } from '../../domain/lexical/count-terms.ts';
import { indexedParts } from '../../domain/lexical/indexed-parts.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';

/** A chunk to index: its text, and what `document_chunks.metadata` says of it. */
export type ChunkToIndex = {
  index: number;
  content: string;
  metadata: Pick<ChunkMetadata, 'headings' | 'table_header'>;
};

// About 20 ms of work.
const chunksPerTurn = 64;

/**
 * The terms of chunks of one document, title and headings included, as the index stores them; yields now and then, so
 * that the caller may let others run.
 */
export function* indexChunks(
  document: { workspaceId: string; title: string | null; language: string },
  chunks: readonly ChunkToIndex[],
): Generator<void, ({ index: number } & ChunkTerms)[]> {
  const count = termCounter(document.workspaceId);
  const indexed: ({ index: number } & ChunkTerms)[] = [];
  for (const { index, content, metadata } of chunks) {
    const { headings = [], table_header: tableHeader = null } = metadata;
    const parts = indexedParts({ title: document.title, headings, tableHeader, content });
    const terms = parts.map(({ text, weight }) => ({ terms: textAnalyzer.analyze(text, document.language), weight }));
    indexed.push({ index, ...count(terms) });
    if (indexed.length % chunksPerTurn === 0) yield;
  }
  return indexed;
}
