import { PerdureError } from '../../contracts/errors.ts';
import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { chunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import { chunkText } from '../../domain/chunking/chunk-text.ts';
import type { Chunk } from '../../domain/chunking/chunk-text.ts';
import { fitChunkSizes } from '../../domain/chunking/fit-chunk-sizes.ts';
import type { FittedSizes } from '../../domain/chunking/fit-chunk-sizes.ts';
import { readClaim } from '../../domain/documents/claimed-type.ts';
import { documentTypeOf, parsesQuickly } from '../../domain/documents/media-types.ts';
import type { MediaType } from '../../domain/documents/media-types.ts';
import { readBlob } from '../../entities/documents/blob-repository.ts';
import { insertChunks } from '../../entities/documents/document-chunk-repository.ts';
import { insertChunkTerms } from '../../entities/search/chunk-terms-repository.ts';
import {
  finishChunking,
  holdGeneration,
  storeContent,
  takeOverGeneration,
} from '../../entities/documents/document-generation-repository.ts';
import type { GenerationRun, OwnedGeneration } from '../../entities/documents/document-generation-repository.ts';
import { readEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import type { ParsedDocument } from '../../providers/parsers/document-parser.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { indexChunks } from './index-chunks.ts';
import { generationFenced } from './ingestion-failure.ts';
import { inTurns } from './in-turns.ts';
import { runStep } from './run-step.ts';
import type { Step } from './run-step.ts';
import { tokenizeText } from './tokenize-text.ts';

// One transaction each: about 0.4 s of insertion, for which a delete of the document may have to wait.
const chunksPerTransaction = 1000;
// What is larger would hold up small documents.
const smallBytes = 262_144;
// The markers that a model adds to each text.
const markerTokens = 2;

/** What there is to embed, or how the generation has ended already; `larger` if it was left for want of permission. */
export type PreparedDocument = {
  state: 'staging' | 'larger' | 'active' | 'failed' | 'abandoned' | 'fenced';
  chunks: number;
};

/**
 * Takes the generation over, extracts its text and stores its chunks. Running it again deletes what an earlier attempt
 * left half-stored, and does nothing once all chunks are there. With `largestBytes`, a document that is larger or of a
 * kind that may take long to read is left as it is.
 */
export function createPrepareDocument(
  deps: IngestionDeps,
): (input: IngestDocumentInput, order: { startedAt: string; largestBytes?: number }) => Promise<PreparedDocument> {
  return async function prepareDocument(input, { startedAt, largestBytes }) {
    return runStep(input, async (step) => {
      const { run } = step;
      const taken = await deps.database.inWorkspace(run.workspaceId, async (em) => {
        const generation = await takeOverGeneration(em, { ...run, runStartedAt: new Date(startedAt) });
        if (generation.state !== 'staging' || generation.expected_chunks !== null) {
          return { ended: { state: generation.state, chunks: generation.expected_chunks ?? 0 } };
        }
        if (largestBytes !== undefined && !isQuick(generation, largestBytes)) {
          return { ended: { state: 'larger' as const, chunks: 0 } };
        }
        return { generation, bytes: await readBlob(em, run), models: await embeddingModels(deps, em, run) };
      });
      deps.notifyDocument(run.documentId);
      if (taken.ended) return taken.ended;
      const document = await extract(deps, taken.bytes, taken.generation, step.signal);
      const { sizes, warning } = fitSizes(taken.generation, taken.models);
      const chunks = await cut(document, taken.models[0]!, sizes, step.signal);
      const warnings = warning === null ? document.warnings : [...document.warnings, warning];
      const language = languageOf(document, taken.generation);
      const { title } = taken.generation;
      await store(deps, run, { ...document, title, language, warnings }, chunks, step.signal);
      deps.notifyDocument(run.documentId);
      return { state: 'staging', chunks: chunks.length };
    });
  };
}

async function embeddingModels(
  deps: IngestionDeps,
  em: Parameters<typeof readEmbeddingModels>[0],
  run: GenerationRun,
): Promise<EmbeddingModel[]> {
  const models = await readEmbeddingModels(em, run.workspaceId, run.documentId);
  if (models.length > 0) return models.map((model) => deps.embeddingModel(model));
  throw new PerdureError(
    'unknown_model',
    'The workspace has no active embedding model. Register one with POST /models, then send the document again.',
  );
}

/** Small, and of a kind whose parser takes milliseconds. */
function isQuick(generation: OwnedGeneration, largestBytes: number): boolean {
  return generation.byte_size <= largestBytes && parsesQuickly(generation.mime_type);
}

function extract(
  deps: IngestionDeps,
  bytes: Uint8Array,
  generation: OwnedGeneration,
  signal: AbortSignal,
): Promise<ParsedDocument> {
  const { password_sealed: sealed, source_path: path } = generation;
  return deps.parsers.parse(
    {
      bytes,
      ...readClaim(generation.declared_type),
      name: path?.split(/[\\/]/).at(-1) ?? null,
      password: sealed === null ? null : deps.openSealed(sealed),
      quick: isQuick(generation, smallBytes),
    },
    signal,
  );
}

/** Chunks are cut by the tokens of the source's first model, into pieces that every model reads whole. */
function fitSizes(generation: OwnedGeneration, models: readonly EmbeddingModel[]): FittedSizes {
  const largest = Math.min(...models.map((model) => model.maxTokens - markerTokens));
  return fitChunkSizes({ size: generation.chunk_size, overlap: generation.chunk_overlap }, largest);
}

async function cut(
  document: ParsedDocument,
  model: EmbeddingModel,
  sizes: FittedSizes['sizes'],
  signal: AbortSignal,
): Promise<Chunk[]> {
  const tokens = await inTurns(tokenizeText(model, document.text), signal);
  return inTurns(chunkText(document, tokens, sizes), signal);
}

/** Comments and names of programs are English, whatever trigrams make of them. */
function languageOf(document: ParsedDocument, generation: OwnedGeneration): string {
  if (generation.source_language !== null) return generation.source_language;
  return document.format === 'code' ? 'en' : textAnalyzer.detectLanguage(document.text);
}

async function store(
  deps: IngestionDeps,
  run: GenerationRun,
  document: ParsedDocument & { language: string },
  chunks: readonly Chunk[],
  signal: Step['signal'],
): Promise<void> {
  for (let from = 0; from < chunks.length; from += chunksPerTransaction) {
    signal.throwIfAborted();
    const part = chunks.slice(from, from + chunksPerTransaction).map((chunk, index) => ({
      index: from + index,
      content: document.text.slice(chunk.start, chunk.end),
      start: chunk.start,
      end: chunk.end,
      tokens: chunk.tokens,
      metadata: chunkMetadata(chunk),
    }));
    const terms = await inTurns(indexChunks({ ...document, workspaceId: run.workspaceId }, part), signal);
    const isLast = from + part.length === chunks.length;
    await deps.database.inWorkspace(run.workspaceId, async (em) => {
      if (!(await holdGeneration(em, run))) throw generationFenced();
      await insertChunks(em, run, part);
      await insertChunkTerms(em, run, terms);
      const expectedChunks = isLast ? chunks.length : null;
      if (from === 0)
        await storeContent(em, run, {
          ...document,
          documentType: documentTypeOf[document.mimeType as MediaType] ?? 'text',
          content: document.text,
          expectedChunks,
        });
      else if (isLast) await finishChunking(em, run, chunks.length);
    });
  }
}
