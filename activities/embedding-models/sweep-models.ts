import type { IndexModelInput, MoveEmbeddingsInput } from '../../contracts/names/workflows.ts';
import { defaultVectorIndex, planVectorIndexes } from '../../domain/vector-indexes/plan-vector-indexes.ts';
import { claimStrayMoves } from '../../entities/agents/embedding-move-repository.ts';
import {
  listChangedModels,
  listEmbeddingModels,
  listGrownModels,
  readVectorIndexes,
} from '../../entities/agents/vector-index-repository.ts';
import type { Database } from '../../platform/database.ts';

/** What the sweeps of embedding models are made with; all calls may be repeated. */
export type SweepModelsDeps = {
  database: Database;
  startMove(input: MoveEmbeddingsInput): Promise<void>;
  startIndexing(input: IndexModelInput): Promise<void>;
};

const atOnce = 50;
// Of four bytes a number, and less than any model waits for.
const grownBytes = 6_000_000;
// The same of the vectors that are younger than the index.
const grownNumbers = 900_000;

/**
 * Starts what was asked for and has no workflow, or whose workflow was ended: moves to another embedding model, and
 * changes of a model's indexes.
 */
export function createSweepMoves(deps: SweepModelsDeps): () => Promise<{ swept: number }> {
  return async function sweepMoves() {
    const stray = await deps.database.asOperator((em) => claimStrayMoves(em, atOnce));
    for (const move of stray) await deps.startMove(move);
    const { swept } = await startWhereWanted(deps, await deps.database.asOperator(listChangedModels));
    return { swept: stray.length + swept };
  };
}

/**
 * Starts the building of indexes wherever they are not what a model's row says: a request whose workflow never started, an
 * index that a killed build left unfinished, and IVFFlat indexes whose rows have become many or have doubled.
 */
export function createSweepIndexes(deps: SweepModelsDeps): () => Promise<{ swept: number }> {
  return async function sweepIndexes() {
    return startWhereWanted(deps, await deps.database.asOperator(listEmbeddingModels));
  };
}

/** The same for models alone many of whose rows may be in no index: a cheap look, made often. */
export function createSweepGrownModels(deps: SweepModelsDeps): () => Promise<{ swept: number }> {
  return async function sweepGrownModels() {
    return startWhereWanted(
      deps,
      await deps.database.asOperator((em) => listGrownModels(em, { bytes: grownBytes, numbers: grownNumbers })),
    );
  };
}

async function startWhereWanted(
  deps: SweepModelsDeps,
  models: readonly { workspaceId: string; modelId: string }[],
): Promise<{ swept: number }> {
  let swept = 0;
  for (const model of models) {
    const state = await deps.database.asOperator((em) => readVectorIndexes(em, model.modelId));
    if (!state || state.isBusy || state.isHeld) continue;
    const settings = { ...defaultVectorIndex, ...state.settings };
    if (!planVectorIndexes(settings, state, state.built).next) continue;
    await deps.startIndexing(model);
    swept += 1;
  }
  return { swept };
}
