import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { IndexModelInput, IndexModelResult } from '../../contracts/names/workflows.ts';
import { defaultVectorIndex, planVectorIndexes } from '../../domain/vector-indexes/plan-vector-indexes.ts';
import { buildVectorIndex, dropVectorIndex, readVectorIndexes } from '../../entities/agents/vector-index-repository.ts';
import type { Database } from '../../platform/database.ts';
import { ingestionFailure } from '../ingestion/ingestion-failure.ts';

const heartbeatEveryMs = 2000;
const lookAgainMs = 500;
// More than any change of settings needs, which may replace some ten segments for each of three metrics.
const mostSteps = 60;

/** The step that brings the indexes of a model's vectors to what its row says. */
export function createBuildVectorIndexes(deps: {
  database: Database;
}): (input: IndexModelInput) => Promise<IndexModelResult> {
  return async function buildVectorIndexes({ modelId }) {
    const context = Context.current();
    const heartbeat = setInterval(() => context.heartbeat(), heartbeatEveryMs);
    const signal = context.cancellationSignal;
    try {
      return await settleVectorIndexes(deps.database, modelId, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw ingestionFailure(error);
    } finally {
      clearInterval(heartbeat);
    }
  };
}

/**
 * Brings the indexes of a model's vectors to what its row says, one at a time, while others read and write. What a killed
 * predecessor left unfinished is dropped; what it left running in the database is waited for. Running it again goes on
 * where the database is.
 */
export async function settleVectorIndexes(
  database: Pick<Database, 'autocommitAsOwner'>,
  modelId: string,
  signal: AbortSignal,
): Promise<IndexModelResult> {
  const result: IndexModelResult = { built: [], dropped: [], waitsForRows: null };
  while (result.built.length + result.dropped.length < mostSteps) {
    signal.throwIfAborted();
    const state = await database.autocommitAsOwner((em) => readVectorIndexes(em, modelId));
    if (!state) return result;
    if (state.isBusy || state.isHeld) {
      await setTimeout(lookAgainMs, undefined, { signal });
      continue;
    }
    const settings = { ...defaultVectorIndex, ...state.settings };
    const { next, waitsForRows } = planVectorIndexes(settings, state, state.built);
    if (!next) return { ...result, waitsForRows };
    if (next.action === 'build') {
      await database.autocommitAsOwner((em) => buildVectorIndex(em, state, next.index));
      result.built.push(next.index.name);
    } else {
      await database.autocommitAsOwner((em) => dropVectorIndex(em, next.name));
      result.dropped.push(next.name);
    }
  }
  throw ApplicationFailure.create({
    type: 'internal',
    message: `The indexes of the embedding model ${modelId} do not settle. Please report it with the worker's log.`,
    nonRetryable: true,
  });
}
