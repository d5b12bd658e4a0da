import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { insertEmbeddings, readChunksToEmbed } from '../../entities/documents/document-chunk-repository.ts';
import { addEmbeddedChunks, holdGeneration } from '../../entities/documents/document-generation-repository.ts';
import { readEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import type { EmbeddingModelRow } from '../../entities/agents/embedding-model-repository.ts';
import {
  forgetEmbeddingUsage,
  settleEmbeddingUsage,
  startEmbeddingUsage,
} from '../../entities/usage/embedding-usage-repository.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import { embeddingBatches } from './embedding-batches.ts';
import type { ChunkToEmbed } from './embedding-batches.ts';
import { embeddingCallId } from './embedding-call-id.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { generationFenced } from './ingestion-failure.ts';
import { runStep } from './run-step.ts';
import type { Step } from './run-step.ts';

/** Chunks from `from` up to, but without, `to`. */
export type ChunkRange = { from: number; to: number };

/**
 * Embeds what is missing in a range of chunks, with every model that the document's source uses. While one batch is
 * stored the next is embedded, so that the model does not wait for the database. Running it again goes on where the
 * database is: no stored batch is embedded or paid for twice.
 */
export function createEmbedChunks(
  deps: IngestionDeps,
): (input: IngestDocumentInput, range: ChunkRange) => Promise<{ embedded: number }> {
  return async function embedChunks(input, range) {
    return runStep(input, async (step) => {
      const { run } = step;
      const models = await deps.database.inWorkspace(run.workspaceId, async (em) => {
        if (!(await holdGeneration(em, run))) throw generationFenced();
        if (step.attempt > 1) await forgetEmbeddingUsage(em, run.documentId, { ...range, attempt: step.attempt });
        return readEmbeddingModels(em, run.workspaceId, run.documentId);
      });
      let embedded = 0;
      for (const [index, model] of models.entries()) {
        const lane = { deps, step, model, embedder: deps.embeddingModel(model), counts: index === models.length - 1 };
        embedded += await embedWithModel(lane, range);
      }
      return { embedded };
    });
  };
}

type Lane = {
  deps: IngestionDeps;
  step: Step;
  model: EmbeddingModelRow;
  embedder: EmbeddingModel;
  /** Whether its batches count as progress: those of the last model do, which completes a chunk. */
  counts: boolean;
};

async function embedWithModel(lane: Lane, range: ChunkRange): Promise<number> {
  const { deps, step, model, embedder } = lane;
  const chunks = await deps.database.inWorkspace(step.run.workspaceId, (em) =>
    readChunksToEmbed(em, step.run, model.id, range),
  );
  let storing: Promise<void> = Promise.resolve();
  for (const batch of embeddingBatches(chunks, embedder.maxBatch)) {
    const call = await startCall(lane, batch);
    const { vectors, usage } = await embedder.embed(
      batch.map((chunk) => chunk.content),
      { signal: step.signal, priority: 'batch', ...(call === null ? {} : { callId: call }) },
    );
    await storing;
    storing = storeBatch(lane, batch, vectors, call, usage.promptTokens);
    // Its failure is thrown where it is awaited; without this it would count as unhandled until then.
    storing.catch(() => {});
  }
  await storing;
  return chunks.length;
}

/** Notes a call before it is made. A model on this machine has no bill and no log to agree with. */
async function startCall(lane: Lane, batch: readonly ChunkToEmbed[]): Promise<string | null> {
  const { deps, step, model } = lane;
  if (model.provider === 'local') return null;
  const { run, attempt } = step;
  const first = batch[0]!.index;
  const callId = embeddingCallId(run, model.id, first, attempt);
  await deps.database.inWorkspace(run.workspaceId, (em) =>
    startEmbeddingUsage(em, {
      callId,
      workspaceId: run.workspaceId,
      documentId: run.documentId,
      modelId: model.id,
      step: first,
      attempt,
      pricing: model.pricing,
    }),
  );
  return callId;
}

async function storeBatch(
  lane: Lane,
  batch: readonly ChunkToEmbed[],
  vectors: readonly Float32Array[],
  call: string | null,
  promptTokens: number | null,
): Promise<void> {
  const { deps, step, model } = lane;
  const { run } = step;
  const held = await deps.database.inWorkspace(run.workspaceId, async (em) => {
    // Paid is paid: the figure is kept even if the vectors come too late.
    if (call !== null) await settleEmbeddingUsage(em, call, promptTokens);
    if (!(await holdGeneration(em, run))) return false;
    const stored = await insertEmbeddings(em, run, {
      modelId: model.id,
      vectorTypeId: batch[0]!.vectorTypeId,
      indexes: batch.map((chunk) => chunk.index),
      vectors,
    });
    if (lane.counts) await addEmbeddedChunks(em, run, stored);
    return true;
  });
  if (!held) throw generationFenced();
  deps.notifyDocument(run.documentId);
}
