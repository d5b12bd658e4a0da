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
import { beginEmbeddingAttempt } from '../../entities/usage/embedding-usage-repository.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import { embedWithModel } from '../ingestion/embed-with-model.ts';
import { isFree, type ComeAgain, type EmbeddingLane } from '../ingestion/embedding-lane.ts';
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

/** Documents that were done, and whether more are left; with `again` they are to be gone on with when its time has come. */
export type EmbeddedDocuments = { documents: number; more: boolean; again?: ComeAgain };

/**
 * Embeds documents with the new model where vectors are missing, a few hundred at a time. Vectors that the workspace has
 * paid for are taken over, limits of the model are kept, and running it again goes on where the database is. A caller that
 * gives `again`, null at first, is sent away for waits of more than about a second, so that they hold no slot; without it
 * the step waits itself.
 */
export function createEmbedMoved(
  deps: ModelDeps,
): (input: MoveEmbeddingsInput, again?: ComeAgain | null) => Promise<EmbeddedDocuments> {
  return async function embedMoved(input, given) {
    return runModelStep(async (step) => {
      let documents = 0;
      let place = given;
      for (let round = 1; round <= roundsPerStep; round += 1) {
        step.signal.throwIfAborted();
        const next = await deps.database.inWorkspace(input.workspaceId, async (em) => {
          const begun = await begin(em, input);
          const found = await readDocumentsToMove(em, input, documentsPerRound);
          const model = begun && (await findEmbeddingModel(em, begun.modelId));
          if (!found || !model) throw generationFenced();
          return { found, model };
        });
        if (next.found.length === 0) return { documents, more: false };
        const { done, again } = await embedDocuments({ deps, input, step, model: next.model }, next.found, place);
        if (place) place = null;
        const last = next.found[done - 1];
        if (last) {
          const progress = { upTo: last.documentId, documents: done };
          await deps.database.inWorkspace(input.workspaceId, (em) => advanceMove(em, input, progress));
        }
        documents += done;
        if (again) return { documents, more: true, again };
      }
      return { documents, more: true };
    });
  };
}

type Work = { deps: ModelDeps; input: MoveEmbeddingsInput; step: ModelStep; model: EmbeddingModelRow };
type Waiting = Pick<EmbeddingLane, 'ifNotDue' | 'again'>;

/**
 * Embeds them in lanes. A caller that comes again keeps one place in the model's queue: the first lane books it, the others
 * take what is due at once and leave the rest. Returns how many are done up to the first that is not.
 */
async function embedDocuments(
  work: Work,
  documents: readonly DocumentToMove[],
  last: ComeAgain | null | undefined,
): Promise<{ done: number; again: ComeAgain | null }> {
  const { deps, step, model } = work;
  const embedder = deps.embeddingModel(model);
  const waiting = [...documents];
  const unfinished = new Set(documents);
  const stop = new AbortController();
  const signal = AbortSignal.any([step.signal, stop.signal]);
  const lane = async (ifNotDue: Waiting['ifNotDue']): Promise<ComeAgain | null> => {
    let place = ifNotDue === 'come_again' ? (last ?? null) : null;
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
      const waits = { ifNotDue, again: place };
      const { embedded, again } = await embedDocument({ ...work, step: { ...step, signal } }, embedder, next, waits);
      if (again) {
        // The lane that has the place in the queue may come to it; when that lane ends, so does the step.
        if (ifNotDue === 'leave') waiting.push(next);
        else waiting.length = 0;
        return again;
      }
      unfinished.delete(next);
      // Nothing was called for: the moment that is booked is still to be used.
      if (embedded > 0) place = null;
    }
    return null;
  };
  const first = last === undefined ? 'wait' : 'come_again';
  const other = last === undefined ? 'wait' : 'leave';
  const running = Array.from({ length: lanes }, (_, index) => lane(index === 0 ? first : other));
  try {
    const left = await Promise.all(running);
    const done = documents.findIndex((document) => unfinished.has(document));
    if (done === -1) return { done: documents.length, again: null };
    return { done, again: left.find((again) => again !== null) ?? null };
  } catch (error) {
    stop.abort(error);
    // None may go on beside the next attempt.
    await Promise.allSettled(running);
    throw error;
  }
}

async function embedDocument(
  work: Work,
  embedder: EmbeddingModel,
  document: DocumentToMove,
  waits: Waiting,
): Promise<{ embedded: number; again: ComeAgain | null }> {
  const { deps, input, step, model } = work;
  const { workspaceId, moveId } = input;
  const { documentId, generation, chunks } = document;
  const { runId } = step;
  // Calls of a dead attempt, whose figures never arrived, are forgotten, and none of their ids is used again.
  const attempt = isFree({ model })
    ? step.attempt
    : await deps.database.inWorkspace(workspaceId, (em) =>
        beginEmbeddingAttempt(em, documentId, { from: 0, to: chunks }),
      );
  let embedded = 0;
  let { again: place } = waits;
  for (let from = 0; from < chunks; from += chunksPerRange) {
    const lane = {
      deps,
      step: { ...step, attempt, run: { workspaceId, documentId, generation, runId } },
      model,
      embedder,
      range: { from, to: Math.min(from + chunksPerRange, chunks) },
      hold: (em: Parameters<typeof holdMovedGeneration>[0]) =>
        holdMovedGeneration(em, { workspaceId, moveId, documentId, generation }),
      isFirst: false,
      isLast: false,
      ifNotDue: waits.ifNotDue,
      again: place,
    } as const;
    try {
      const range = await embedWithModel(lane);
      embedded += range.embedded;
      if (range.again) return { embedded, again: range.again };
      if (range.embedded > 0) place = null;
    } catch (error) {
      if (!isFenced(error)) throw error;
      // Deleted, or replaced by a generation that brings these vectors itself. A move that has ended shows at the next round.
      break;
    }
  }
  return { embedded, again: null };
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
