import { v7 } from 'uuid';
import type { RequestSyncInput } from '../../contracts/names/workflows.ts';
import { requestSync } from '../../entities/sources/source-sync-repository.ts';
import { withReport } from '../upkeep/with-report.ts';
import { ingestionFailure } from '../ingestion/ingestion-failure.ts';
import type { SyncDeps } from './sync-deps.ts';

/** How a scheduled request ended; `running` means that the one before it is still at work. */
export type ScheduledRequest = { outcome: 'started' | 'running' | 'missing' | 'paused' };

/** Accepts a sync under the id `syncId`, unless one is under way, and starts its workflow. Again, it is the same sync. */
export function createRequestScheduledSync(
  deps: SyncDeps,
): (input: RequestSyncInput, syncId: string) => Promise<ScheduledRequest> {
  return async function requestScheduledSync(input, syncId) {
    try {
      const request = { ...input, syncId, jobId: v7(), trigger: 'schedule', allowRemovals: false } as const;
      const about = { task: 'source-sync', subject: input.knowledgeSourceId, workspaceId: input.workspaceId };
      return await withReport<ScheduledRequest>(deps, about, async () => {
        const requested = await deps.database.inWorkspace(input.workspaceId, (em) => requestSync(em, request));
        if (requested.syncId === null) return { result: { outcome: requested.outcome }, finding: null };
        await deps.startSync({ ...input, syncId: requested.syncId, kind: 'full' });
        if (requested.syncId !== syncId) return { result: { outcome: 'running' }, finding: null };
        const reason = 'The source was due, and no sync of it was under way.';
        return { result: { outcome: 'started' }, finding: { saw: {}, decided: 'sync', reason, did: { sync: syncId } } };
      });
    } catch (error) {
      throw ingestionFailure(error);
    }
  };
}
