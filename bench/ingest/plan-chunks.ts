import { createHash } from 'node:crypto';
import { guessTitle } from '../../api/documents/describe-upload.ts';
import { indexChunks } from '../../activities/ingestion/index-chunks.ts';
import { textsToEmbed } from '../../activities/ingestion/texts-to-embed.ts';
import { tokenizeText } from '../../activities/ingestion/tokenize-text.ts';
import { chunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import type { ChunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import { chunkText } from '../../domain/chunking/chunk-text.ts';
import type { ChunkTerms } from '../../domain/lexical/count-terms.ts';
import { defaultChunkParameters } from '../../entities/documents/accept-documents.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import type { ClusteredVectors } from '../data/clustered-vectors.ts';
import type { BenchDocument } from './ingest-client.ts';

/** A chunk as the product is going to cut it, with all that is stored of it. */
export interface PlannedChunk {
  index: number;
  content: string;
  start: number;
  end: number;
  tokens: number;
  metadata: ChunkMetadata;
  /** What is embedded: the content below its title and headings. */
  text: string;
  hash: Buffer;
  vector: Float32Array;
}

/** A document to upload with its chunks. */
export interface PlannedDocument extends BenchDocument {
  title: string;
  language: string;
  chunks: PlannedChunk[];
}

const sizes = { size: defaultChunkParameters.chunkSize, overlap: defaultChunkParameters.chunkOverlap };

/** Cuts a document by the product's own rules, so that vectors can be made before any clock starts. */
export function planDocument(
  document: BenchDocument,
  model: EmbeddingModel,
  vectors: ClusteredVectors,
): PlannedDocument {
  const { text, path } = document;
  const { centre } = vectors.document();
  const title = guessTitle(Buffer.from(text), 'markdown', path);
  const language = textAnalyzer.detectLanguage(text);
  const cut = toEnd(chunkText({ text, format: 'markdown' }, toEnd(tokenizeText(model, text)), sizes)).map(
    (chunk, index) => ({
      index,
      start: chunk.start,
      end: chunk.end,
      tokens: chunk.tokens,
      metadata: chunkMetadata(chunk),
      content: text.slice(chunk.start, chunk.end),
    }),
  );
  const chunks = cut.map((chunk) => {
    const { headings = [], table_header: tableHeader = null } = chunk.metadata;
    const [embedded] = textsToEmbed(
      [{ ...chunk, title, headings: [...headings], tableHeader, vectorTypeId: 0 }],
      model,
      {
        counted: true,
      },
    );
    return {
      ...chunk,
      text: embedded!.text,
      hash: createHash('sha256').update(embedded!.text).digest(),
      vector: vectors.chunk(centre),
    };
  });
  return { ...document, title, language, chunks };
}

/** The terms of a document's chunks as the index of a workspace has them. */
export function planTerms(document: PlannedDocument, workspaceId: string): ChunkTerms[] {
  return toEnd(indexChunks({ ...document, workspaceId }, document.chunks));
}

function toEnd<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
