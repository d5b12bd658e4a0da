import { setTimeout } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  cancelStatement,
  holdIndexes as take,
  letIndexesGo,
  readBackend,
  readBuildProgress,
} from '../../entities/agents/index-hold-repository.ts';
import type { Database } from '../../platform/database.ts';
import { ingestionFailure } from '../ingestion/ingestion-failure.ts';

/** What a step that holds a model's indexes works with. */
export type HeldIndexes = {
  /** Aborts when the step is cancelled or its worker shuts down. */
  signal: AbortSignal;
  /**
   * Runs one statement as the owner. A cancel ends it in the database too; a shutdown leaves it there, where the next
   * attempt finds it at work.
   */
  statement<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  /** Runs a statement that clears up, also when the step was cancelled. */
  clearUp<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
};

const heartbeatEveryMs = 2000;
const lookAgainMs = 500;

/**
 * Does `work` while nobody else builds, drops or maintains indexes of vectors for longer than a change of settings takes:
 * one model at a time in a database. Waits for its turn. The heartbeats say how far the building of an index has come.
 */
export async function holdIndexes<T>(
  { database }: { database: Database },
  modelId: string,
  work: (held: HeldIndexes) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const signal = context.cancellationSignal;
  const heartbeat = setInterval(beat(context, database, modelId), heartbeatEveryMs);
  const isShutdown = () => context.cancellationDetails?.workerShutdown === true;
  let backend: number | null = null;
  const stop = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      if (isShutdown()) reject(signal.reason as Error);
      else if (backend !== null) {
        const pid = backend;
        void database.asOperator((em) => cancelStatement(em, pid)).catch(() => {});
      }
    });
  });
  stop.catch(() => {});
  const clearUp: HeldIndexes['clearUp'] = async (statement) => {
    const running = database.autocommitAsOwner(statement);
    // Left to itself at a shutdown.
    running.catch(() => {});
    return Promise.race([running, stop]);
  };
  const held: HeldIndexes = {
    signal,
    clearUp,
    statement: async (statement) => {
      signal.throwIfAborted();
      return clearUp(statement);
    },
  };
  try {
    while (!(await held.statement((em) => take(em, modelId)))) await setTimeout(lookAgainMs, undefined, { signal });
    backend = await held.statement(readBackend);
    return await work(held);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw ingestionFailure(error);
  } finally {
    clearInterval(heartbeat);
    // The connection of a worker that shuts down ends with it, and what it holds with the connection.
    if (!isShutdown()) await database.autocommitAsOwner((em) => letIndexesGo(em, modelId)).catch(() => {});
  }
}

/** Tells how far a build had come at the last look, and looks again: a database that is away holds no heartbeat up. */
function beat(context: Context, database: Database, modelId: string): () => void {
  const partition = `chunk_embeddings_${modelId.replaceAll('-', '')}`;
  let progress: Awaited<ReturnType<typeof readBuildProgress>> = null;
  let isLooking = false;
  return () => {
    context.heartbeat(progress);
    if (isLooking) return;
    isLooking = true;
    void database
      .asOperator((em) => readBuildProgress(em, partition))
      .then((found) => (progress = found))
      .catch(() => {})
      .finally(() => (isLooking = false));
  };
}
