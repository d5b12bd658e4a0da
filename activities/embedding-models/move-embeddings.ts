import type { MoveEmbeddingsInput } from '../../contracts/names/workflows.ts';
import {
  advanceMove,
  beginMove as begin,
  clearUnreadVectors,
  endMove,
  finishClearing,
  holdMovedGeneration,
  readDocumentsToMove,
  switchTools,
  type DocumentToMove,
  type Switching,
} from '../../entities/agents/embedding-move-repository.ts';
import { findEmbeddingModel, type EmbeddingModelRow } from '../../entities/agents/embedding-model-repository.ts';
import { forgetEmbeddingUsage } from '../../entities/usage/embedding-usage-repository.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import { embedWithModel } from '../ingestion/embed-with-model.ts';
import { generationFenced } from '../ingestion/ingestion-failure.ts';
import { isFenced } from '../ingestion/ingestion-failure.ts';
import type { ModelDeps } from './model-deps.ts';
import { runModelStep, type ModelStep } from './run-model-step.ts';

// A kill repeats the search for missing vectors in so many documents, and no call that was stored.
const documentsPerRound = 16;
const lanes = 4;
const roundsPerStep = 20;
const chunksPerRange = 1024;
const documentsPerClearing = 50;

/** Lets a move begin; null when there is nothing left of it to do. */
export function createBeginMove(
  deps: ModelDeps,
): (input: MoveEmbeddingsInput) => Promise<{ phase: 'embed' | 'clear' } | null> {
  return async function beginMove(input) {
    return runModelStep(async () => {
      const begun = await deps.database.inWorkspace(input.workspaceId, (em) => begin(em, input));
      return begun && { phase: begun.phase };
    });
  };
}

/**
 * Embeds documents with the new model where vectors are missing, a few hundred at a time. Vectors that the workspace has
 * paid for are taken over, limits of the model are kept, and running it again goes on where the database is.
 */
export function createEmbedMoved(
  deps: ModelDeps,
): (input: MoveEmbeddingsInput) => Promise<{ documents: number; more: boolean }> {
  return async function embedMoved(input) {
    return runModelStep(async (step) => {
      let documents = 0;
      for (let round = 1; round <= roundsPerStep; round += 1) {
        step.signal.throwIfAborted();
        const next = await deps.database.inWorkspace(input.workspaceId, async (em) => {
          const begun = await begin(em, input);
          const found = await readDocumentsToMove(em, input, documentsPerRound);
          const model = begun && (await findEmbeddingModel(em, begun.modelId));
          if (!found || !model) throw generationFenced();
          return { found, model };
        });
        const last = next.found.at(-1);
        if (!last) return { documents, more: false };
        await embedDocuments({ deps, input, step, model: next.model }, next.found);
        documents += next.found.length;
        const progress = { upTo: last.documentId, documents: next.found.length };
        await deps.database.inWorkspace(input.workspaceId, (em) => advanceMove(em, input, progress));
      }
      return { documents, more: true };
    });
  };
}

type Work = { deps: ModelDeps; input: MoveEmbeddingsInput; step: ModelStep; model: EmbeddingModelRow };

async function embedDocuments(work: Work, documents: readonly DocumentToMove[]): Promise<void> {
  const { deps, step, model } = work;
  const embedder = deps.embeddingModel(model);
  const waiting = [...documents];
  const stop = new AbortController();
  const signal = AbortSignal.any([step.signal, stop.signal]);
  const lane = async () => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
      await embedDocument({ ...work, step: { ...step, signal } }, embedder, next);
    }
  };
  const running = Array.from({ length: lanes }, lane);
  try {
    await Promise.all(running);
  } catch (error) {
    stop.abort(error);
    // None may go on beside the next attempt.
    await Promise.allSettled(running);
    throw error;
  }
}

async function embedDocument(work: Work, embedder: EmbeddingModel, document: DocumentToMove): Promise<void> {
  const { deps, input, step, model } = work;
  const { workspaceId, moveId } = input;
  const { documentId, generation, chunks } = document;
  const { runId } = step;
  // Calls of a dead attempt, whose figures never arrived.
  await deps.database.inWorkspace(workspaceId, (em) =>
    forgetEmbeddingUsage(em, documentId, { from: 0, to: chunks, attempt: step.attempt }),
  );
  for (let from = 0; from < chunks; from += chunksPerRange) {
    const lane = {
      deps,
      step: { ...step, run: { workspaceId, documentId, generation, runId } },
      model,
      embedder,
      range: { from, to: Math.min(from + chunksPerRange, chunks) },
      hold: (em: Parameters<typeof holdMovedGeneration>[0]) =>
        holdMovedGeneration(em, { workspaceId, moveId, documentId, generation }),
      isFirst: false,
      isLast: false,
      ifNotDue: 'wait',
      again: null,
    } as const;
    try {
      await embedWithModel(lane);
    } catch (error) {
      if (!isFenced(error)) throw error;
      // Deleted, or replaced by a generation that brings these vectors itself. A move that has ended shows at the next round.
      return;
    }
  }
}

/** Lets the tools search by the new model if nothing is missing; else another pass begins. */
export function createSwitchModel(deps: ModelDeps): (input: MoveEmbeddingsInput) => Promise<Switching> {
  return async function switchModel(input) {
    return runModelStep(() => deps.database.inWorkspace(input.workspaceId, (em) => switchTools(em, input)));
  };
}

/** How a move ends without having switched. */
export type MoveEnd = { state: 'failed' | 'cancelled'; error: { code: string; detail: string } };

/** Ends a move that has not ended: the tools go on searching by the model that they had. */
export function createFinishMove(
  deps: ModelDeps,
): (input: MoveEmbeddingsInput, end: MoveEnd) => Promise<{ ended: boolean }> {
  return async function finishMove(input, end) {
    return runModelStep(async () => ({
      ended: await deps.database.inWorkspace(input.workspaceId, (em) => endMove(em, input, end)),
    }));
  };
}

/** Deletes the vectors that nothing reads after a move: those of the former model, or of the one that was given up. */
export function createClearVectors(deps: ModelDeps): (input: MoveEmbeddingsInput) => Promise<{ deleted: number }> {
  return async function clearVectors(input) {
    return runModelStep(async ({ signal }) => {
      let deleted = 0;
      for (let after: string | null = null; ;) {
        signal.throwIfAborted();
        const page = { after, limit: documentsPerClearing };
        const cleared: { last: string | null; deleted: number } = await deps.database.inWorkspace(
          input.workspaceId,
          (em) => clearUnreadVectors(em, input, page),
        );
        deleted += cleared.deleted;
        if (cleared.last === null) break;
        after = cleared.last;
      }
      await deps.database.inWorkspace(input.workspaceId, (em) => finishClearing(em, input));
      return { deleted };
    });
  };
}
