import { ApplicationFailure, Context } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import type { SyncSourceInput } from '../../contracts/names/workflows.ts';
import { holdSync, noteSyncTrouble, type HeldSync } from '../../entities/sources/source-sync-repository.ts';
import { FetchError } from '../../providers/fetch/fetch-error.ts';
import type { DocumentSource } from '../../providers/sources/document-source.ts';
import { ingestionFailure } from '../ingestion/ingestion-failure.ts';
import type { SyncDeps } from './sync-deps.ts';

/** What a step of a sync gets besides its argument. */
export type SyncStep = {
  signal: AbortSignal;
  attempt: number;
  /**
   * One transaction that holds the sync; `lock` takes what is to be locked before any row.
   * @throws ApplicationFailure `fenced` if it has ended or its source is gone.
   */
  held<T>(
    work: (em: EntityManager, sync: HeldSync) => Promise<T>,
    lock?: (em: EntityManager) => Promise<void>,
  ): Promise<T>;
};

// Several heartbeats within the time-out of activity-options.ts.
const heartbeatEveryMs = 2000;

/** Runs one step with heartbeats and turns what it throws into a failure with a code of the error table. */
export async function runSyncStep<T>(
  deps: SyncDeps,
  input: SyncSourceInput,
  work: (step: SyncStep) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const heartbeat = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(), heartbeatEveryMs);
  const held: SyncStep['held'] = (hold, lock) =>
    deps.database.inWorkspace(input.workspaceId, async (em) => {
      await lock?.(em);
      const sync = await holdSync(em, input);
      if (!sync) throw syncFenced();
      return hold(em, sync);
    });
  const { attempt } = context.info;
  const note = (trouble: { code: string; detail: string } | null) =>
    deps.database.inWorkspace(input.workspaceId, (em) => noteSyncTrouble(em, input, trouble));
  try {
    const done = await work({ signal: context.cancellationSignal, attempt, held });
    if (attempt > 1) await note(null);
    return done;
  } catch (error) {
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
    const failure = syncFailure(error);
    // Ten minutes of trying are not to look like work. A fault of the program says nothing to a person.
    if (!failure.nonRetryable && failure.type !== 'internal') await note(describeError(error)).catch(() => {});
    throw failure;
  } finally {
    clearInterval(heartbeat);
  }
}

/** Opens the source for a step and closes it after. */
export async function withSource<T>(
  deps: SyncDeps,
  sync: HeldSync,
  work: (source: DocumentSource) => Promise<T>,
): Promise<T> {
  const { sourceType: type, connectionString, configuration } = sync;
  const source = deps.openSource({ type, connectionString, configuration });
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

/** Whether the same call may succeed later. */
export function mayRecover(error: unknown): boolean {
  return !syncFailure(error).nonRetryable;
}

/** Code and text of an error as they may be stored. */
export function describeError(error: unknown): { code: string; detail: string } {
  if (error instanceof PerdureError) return { code: error.code, detail: error.detail };
  const failure = syncFailure(error);
  return { code: failure.type ?? 'internal', detail: failure.message };
}

function syncFailure(error: unknown): ApplicationFailure {
  if (!(error instanceof FetchError)) return ingestionFailure(error);
  return ApplicationFailure.create({
    type: error.code,
    message: error.detail,
    nonRetryable: !error.retryable,
    ...(error.retryAfterMs === null ? {} : { nextRetryDelay: error.retryAfterMs }),
  });
}

function syncFenced(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'fenced',
    message: 'This sync has ended, or its source was deleted; this step stopped and wrote nothing more.',
    nonRetryable: true,
  });
}
