import { deleteSourceDocuments } from '../../entities/documents/document-repository.ts';
import {
  findUnappliedSchedules,
  holdUnappliedSchedule,
  noteAppliedSchedule,
} from '../../entities/sources/source-schedule-repository.ts';
import { findDeletedSources } from '../../entities/sources/source-deletion-repository.ts';
import { claimStraySyncs, endSync } from '../../entities/sources/source-sync-repository.ts';
import type { RequestSyncInput, SyncSourceInput } from '../../contracts/names/workflows.ts';
import type { SourceSchedule } from '../../contracts/source-schedule.ts';
import type { Database } from '../../platform/database.ts';

/** What the sweep of syncs is made with; all calls may be repeated. */
export type SweepSyncsDeps = {
  database: Database;
  startSync(input: SyncSourceInput): Promise<void>;
  syncRuns(input: SyncSourceInput): Promise<boolean>;
  cancelIngest(key: { documentId: string; generation: number }): Promise<void>;
  applySchedule(source: RequestSyncInput, schedule: SourceSchedule | null): Promise<void>;
};

const atOnce = 50;

/**
 * Closes the gaps between the rows of sources and Temporal: starts syncs that were accepted, ends those whose workflow is
 * gone, brings schedules that were changed, and goes on deleting the documents of deleted sources.
 */
export function createSweepSyncs(deps: SweepSyncsDeps): () => Promise<{ swept: number }> {
  return async function sweepSyncs() {
    const stray = await deps.database.asOperator((em) => claimStraySyncs(em, atOnce));
    for (const { state, ...sync } of stray) {
      if (state === 'accepted') await deps.startSync(sync);
      else if (!(await deps.syncRuns(sync)))
        await deps.database.inWorkspace(sync.workspaceId, (em) =>
          endSync(em, sync, { state: 'failed', error: interrupted }),
        );
    }
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

const interrupted = {
  code: 'sync_interrupted',
  detail:
    'The workflow of this sync was ended from outside, or timed out. Sync again; what was done is not done again.',
};
