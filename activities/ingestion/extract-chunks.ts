import { isSmallDocument } from '../../contracts/names/small-documents.ts';
import { chunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import { chunkText } from '../../domain/chunking/chunk-text.ts';
import { findUnknownWords } from '../../domain/chunking/find-unknown-words.ts';
import { fitChunkSizes } from '../../domain/chunking/fit-chunk-sizes.ts';
import { readClaim } from '../../domain/documents/claimed-type.ts';
import { isFileTitle, sensibleTitle } from '../../domain/documents/sensible-title.ts';
import { documentTypeOf } from '../../domain/documents/media-types.ts';
import type { MediaType } from '../../domain/documents/media-types.ts';
import type { ChunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import type { ChunkToStore } from '../../entities/documents/document-chunk-repository.ts';
import type { ExtractedContent, OwnedGeneration } from '../../entities/documents/document-generation-repository.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { inTurns } from './in-turns.ts';
import { tokenizeText } from './tokenize-text.ts';

// The markers that a model adds to each text.
const markerTokens = 2;

/** What a document was found to hold. */
export type ExtractedDocument = {
  /** What its generation keeps. */
  kept: ExtractedContent & { language: string };
  title: string;
  chunks: (ChunkToStore & { metadata: ChunkMetadata })[];
};

/**
 * Extracts a document's text and cuts it into chunks by the tokens of the first model, into pieces that every model reads
 * whole.
 * @throws PerdureError saying why the document cannot be read.
 */
export async function extractChunks(
  deps: Pick<IngestionDeps, 'parsers' | 'openSealed'>,
  { generation, bytes, models }: { generation: OwnedGeneration; bytes: Uint8Array; models: readonly EmbeddingModel[] },
  signal: AbortSignal,
): Promise<ExtractedDocument> {
  const { password_sealed: sealed, source_path: path, file_name: fileName, title } = generation;
  const document = await deps.parsers.parse(
    {
      bytes,
      ...readClaim(generation.declared_type),
      name: path?.split(/[\\/]/).at(-1) ?? null,
      password: sealed === null ? null : deps.openSealed(sealed),
      quick: isSmallDocument({ mimeType: generation.mime_type, byteSize: generation.byte_size }),
    },
    signal,
  );
  const foundTitle = isFileTitle(title, path, fileName) ? sensibleTitle(document.title) : null;
  const largest = Math.min(...models.map((model) => model.maxTokens - markerTokens));
  const { sizes, warning } = fitChunkSizes({ size: generation.chunk_size, overlap: generation.chunk_overlap }, largest);
  const tokens = await inTurns(tokenizeText(models[0]!, document.text), signal);
  const chunks = await inTurns(chunkText(document, tokens, sizes), signal);
  // Comments and names of programs are English, whatever trigrams make of them.
  const detect = () => (document.format === 'code' ? 'en' : textAnalyzer.detectLanguage(document.text));
  return {
    kept: {
      content: document.text,
      mimeType: document.mimeType,
      documentType: documentTypeOf[document.mimeType as MediaType] ?? 'text',
      foundTitle,
      language: generation.source_language ?? detect(),
      pages: document.pages,
      warnings: [
        ...document.warnings,
        ...(warning === null ? [] : [warning]),
        ...findUnknownWords(document.text, tokens),
      ],
    },
    title: foundTitle ?? title,
    chunks: chunks.map((chunk, index) => ({
      index,
      content: document.text.slice(chunk.start, chunk.end),
      start: chunk.start,
      end: chunk.end,
      tokens: chunk.tokens,
      metadata: chunkMetadata(chunk),
    })),
  };
}
