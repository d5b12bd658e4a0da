import { chunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import { chunkText } from '../../domain/chunking/chunk-text.ts';
import { tokenizeText } from '../../activities/ingestion/tokenize-text.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { ClusteredVectors } from '../data/clustered-vectors.ts';
import type { BenchDocument } from './ingest-client.ts';

/** A chunk as the product is going to cut it, and the vector that it is given. */
export interface PlannedChunk {
  index: number;
  content: string;
  start: number;
  end: number;
  tokens: number;
  metadata: object;
  vector: Float32Array;
}

/** A document to upload with its chunks. */
export interface PlannedDocument extends BenchDocument {
  chunks: PlannedChunk[];
}

// What a source without a RAG tool gets.
const sizes = { size: 200, overlap: 32 };

/** Cuts a document by the product's own rules, so that vectors can be made before any clock starts. */
export function planDocument(
  document: BenchDocument,
  model: Pick<EmbeddingModel, 'tokenOffsets' | 'countTokens'>,
  vectors: ClusteredVectors,
): PlannedDocument {
  const { text } = document;
  const { centre } = vectors.document();
  const chunks = toEnd(chunkText({ text, format: 'markdown' }, toEnd(tokenizeText(model, text)), sizes)).map(
    (chunk, index) => ({
      index,
      start: chunk.start,
      end: chunk.end,
      tokens: chunk.tokens,
      metadata: chunkMetadata(chunk),
      content: text.slice(chunk.start, chunk.end),
      vector: vectors.chunk(centre),
    }),
  );
  return { ...document, chunks };
}

function toEnd<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
