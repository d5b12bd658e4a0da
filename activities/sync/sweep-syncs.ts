import { deleteSourceDocuments } from '../../entities/documents/document-repository.ts';
import {
  findUnappliedSchedules,
  holdUnappliedSchedule,
  noteAppliedSchedule,
} from '../../entities/sources/source-schedule-repository.ts';
import { findDeletedSources } from '../../entities/sources/source-deletion-repository.ts';
import {
  claimStraySyncs,
  endSync,
  noteSyncRestart,
  type StraySync,
} from '../../entities/sources/source-sync-repository.ts';
import type { RequestSyncInput, SyncSourceInput } from '../../contracts/names/workflows.ts';
import type { SourceSchedule } from '../../contracts/source-schedule.ts';
import type { Database } from '../../platform/database.ts';
import { resumeStray } from '../upkeep/resume-stray.ts';

/** What the sweep of syncs is made with; all calls may be repeated. */
export type SweepSyncsDeps = {
  database: Database;
  startSync(input: SyncSourceInput): Promise<void>;
  syncRuns(input: SyncSourceInput): Promise<boolean>;
  cancelIngest(key: { documentId: string; generation: number }): Promise<void>;
  applySchedule(source: RequestSyncInput, schedule: SourceSchedule | null): Promise<void>;
};

const atOnce = 50;
// A workflow that is ended from outside again and again is not to be started for ever.
const mostRestarts = 3;

/**
 * Closes the gaps between the rows of sources and Temporal: starts syncs that were accepted, and those whose workflow was
 * ended from outside, which go on where they were; ends a sync to which that happened again and again; brings schedules that were changed, and goes on deleting the documents of deleted sources.
 */
export function createSweepSyncs(deps: SweepSyncsDeps): () => Promise<{ swept: number }> {
  return async function sweepSyncs() {
    const stray = await deps.database.asOperator((em) => claimStraySyncs(em, atOnce));
    for (const sync of stray) await resume(deps, sync);
    const unapplied = await deps.database.asOperator((em) => findUnappliedSchedules(em, atOnce));
    for (const source of unapplied)
      await deps.database.inWorkspace(source.workspaceId, async (em) => {
        const schedule = await holdUnappliedSchedule(em, source);
        if (schedule === undefined) return;
        await deps.applySchedule(source, schedule);
        await noteAppliedSchedule(em, source, schedule);
      });
    const deleted = await deps.database.asOperator((em) => findDeletedSources(em, atOnce));
    for (const source of deleted) {
      const { abandoned } = await deps.database.inWorkspace(source.workspaceId, (em) =>
        deleteSourceDocuments(em, { ...source, limit: atOnce }),
      );
      for (const { documentId, generation } of abandoned) await deps.cancelIngest({ documentId, generation });
    }
    return { swept: stray.length + unapplied.length + deleted.length };
  };
}

async function resume(deps: SweepSyncsDeps, { state, restarts, ...sync }: StraySync): Promise<void> {
  await resumeStray({
    isNew: state === 'accepted',
    restarts,
    mostRestarts,
    start: () => deps.startSync(sync),
    runs: () => deps.syncRuns(sync),
    noteRestart: () => deps.database.asOperator((em) => noteSyncRestart(em, sync)),
    giveUp: () => {
      const detail =
        `The workflow of this sync was ended from outside ${restarts + 1} times before it was done. Look at it in ` +
        "Temporal's UI and at the worker's log, then sync again; what was done is not done again.";
      const error = { code: 'sync_interrupted', detail };
      return deps.database.inWorkspace(sync.workspaceId, (em) => endSync(em, sync, { state: 'failed', error }));
    },
  });
}
