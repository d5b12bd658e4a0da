import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { isSmallDocument } from '../../contracts/names/small-documents.ts';
import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { readEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import type { EmbeddingModelRow } from '../../entities/agents/embedding-model-repository.ts';
import { readBlob } from '../../entities/documents/blob-repository.ts';
import { takeOverGeneration } from '../../entities/documents/document-generation-repository.ts';
import type { GenerationRun } from '../../entities/documents/document-generation-repository.ts';
import { smallDocument } from './finish-small.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import type { PreparedDocument } from './prepared-document.ts';
import { readDocument, type ReadDocument } from './read-document.ts';
import { runStep, type OwnedStep, type Step } from './run-step.ts';
import { storeChunks } from './store-chunks.ts';

/** When the run began, the largest document to read in this step, and whether to finish it here if it is small. */
export type PreparationOrder = { startedAt: string; largestBytes?: number; finishSmall?: boolean };

/**
 * Takes the generation over, extracts its text and stores its chunks. Running it again deletes what an earlier attempt
 * left half-stored, and does nothing once all chunks are there. With `largestBytes`, a document that is larger or of a
 * kind that may take long to read is left as it is. With `finishSmall`, a document of few chunks whose models do not
 * compute on this machine is also embedded, verified and activated, unless that fails in a way that another attempt may
 * mend: then it is left to the steps that follow.
 */
export function createPrepareDocument(
  deps: IngestionDeps,
): (input: IngestDocumentInput, order: PreparationOrder) => Promise<PreparedDocument> {
  return async function prepareDocument(input, order) {
    return runStep(input, (step) => prepare(deps, step, order));
  };
}

/** The step itself. */
export async function prepare(
  deps: IngestionDeps,
  step: OwnedStep,
  { startedAt, largestBytes, finishSmall = false }: PreparationOrder,
): Promise<PreparedDocument> {
  const { run, workflowId } = step;
  const taken = await deps.database.inWorkspace(run.workspaceId, async (em) => {
    const generation = await takeOverGeneration(em, { ...run, workflowId, runStartedAt: new Date(startedAt) });
    if (generation.state !== 'staging' || generation.expected_chunks !== null) {
      const { state, expected_chunks: chunks } = generation;
      const superseded = state === 'active' && finishSmall ? { superseded: run.generation > 1 } : {};
      return { ended: { state, chunks: chunks ?? 0, ...superseded } };
    }
    const { mime_type: mimeType, byte_size: byteSize } = generation;
    if (largestBytes !== undefined && !isSmallDocument({ mimeType, byteSize }, largestBytes)) {
      return { ended: { state: 'larger' as const, chunks: 0 } };
    }
    return { generation, bytes: await readBlob(em, run), models: await requireModels(em, run) };
  });
  deps.notifyDocument(run.documentId);
  if (taken.ended) return taken.ended;
  return storeDocument(deps, step, await readDocument(deps, taken, step.signal), { finishSmall });
}

/** Stores the chunks of a document that was read, and with `finishSmall` ends it if it is small. */
export async function storeDocument(
  deps: IngestionDeps,
  step: Step,
  read: ReadDocument,
  { finishSmall }: { finishSmall: boolean },
): Promise<PreparedDocument> {
  const { run } = step;
  const { document } = read;
  const small = finishSmall && (await step.mayPay()) ? smallDocument(deps, step, read) : null;
  await storeChunks(deps, run, document, step.signal, async (em) => small?.begin(em));
  deps.notifyDocument(run.documentId);
  const ended = await small?.finish();
  if (ended) return ended;
  return { state: 'staging', chunks: document.chunks.length };
}

async function requireModels(em: EntityManager, run: GenerationRun): Promise<EmbeddingModelRow[]> {
  const models = await readEmbeddingModels(em, run.workspaceId, run.documentId);
  if (models.length > 0) return models;
  throw new PerdureError(
    'unknown_model',
    'The workspace has no active embedding model. Register one with POST /models, then send the document again.',
  );
}
