import type { EmbeddingModelRow } from '../../entities/agents/embedding-model-repository.ts';
import type { OwnedGeneration } from '../../entities/documents/document-generation-repository.ts';
import { extractChunks, type ExtractedDocument } from './extract-chunks.ts';
import type { IngestionDeps } from './ingestion-deps.ts';

/** A document whose generation was taken over, with the models that its source uses. */
export type TakenDocument = {
  generation: OwnedGeneration;
  bytes: Uint8Array;
  /** The id of its knowledge source, where that is known. */
  source?: string | null;
  models: readonly EmbeddingModelRow[];
};

/** One that was read and cut. */
export type ReadDocument = TakenDocument & { document: ExtractedDocument };

/** Reads a document and cuts it into chunks; throws PerdureError saying why it cannot be read. */
export async function readDocument(
  deps: IngestionDeps,
  taken: TakenDocument,
  signal: AbortSignal,
): Promise<ReadDocument> {
  const models = taken.models.map((model) => deps.embeddingModel(model));
  return { ...taken, document: await extractChunks(deps, { ...taken, models }, signal) };
}
