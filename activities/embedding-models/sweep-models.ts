import type { IndexModelInput, MoveEmbeddingsInput } from '../../contracts/names/workflows.ts';
import { defaultVectorIndex, planVectorIndexes } from '../../domain/vector-indexes/plan-vector-indexes.ts';
import { claimStrayMoves } from '../../entities/agents/embedding-move-repository.ts';
import { listEmbeddingModels, readVectorIndexes } from '../../entities/agents/vector-index-repository.ts';
import type { Database } from '../../platform/database.ts';

/** What the sweeps of embedding models are made with; all calls may be repeated. */
export type SweepModelsDeps = {
  database: Database;
  startMove(input: MoveEmbeddingsInput): Promise<void>;
  startIndexing(input: IndexModelInput): Promise<void>;
};

const atOnce = 50;

/** Starts moves to another embedding model that were accepted and have no workflow, or whose workflow was ended. */
export function createSweepMoves(deps: SweepModelsDeps): () => Promise<{ swept: number }> {
  return async function sweepMoves() {
    const stray = await deps.database.asOperator((em) => claimStrayMoves(em, atOnce));
    for (const move of stray) await deps.startMove(move);
    return { swept: stray.length };
  };
}

/**
 * Starts the building of indexes wherever they are not what a model's row says: a request whose workflow never started, an
 * index that a killed build left unfinished, and IVFFlat indexes whose rows have become many or have doubled.
 */
export function createSweepIndexes(deps: SweepModelsDeps): () => Promise<{ swept: number }> {
  return async function sweepIndexes() {
    const models = await deps.database.asOperator(listEmbeddingModels);
    let swept = 0;
    for (const model of models) {
      const state = await deps.database.asOperator((em) => readVectorIndexes(em, model.modelId));
      if (!state || state.isBusy) continue;
      const settings = { ...defaultVectorIndex, ...state.settings };
      if (!planVectorIndexes(settings, state, state.built).next) continue;
      await deps.startIndexing(model);
      swept += 1;
    }
    return { swept };
  };
}
