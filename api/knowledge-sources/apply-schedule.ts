import {
  holdUnappliedSchedule,
  noteAppliedSchedule,
  type SourceKey,
} from '../../entities/sources/source-schedule-repository.ts';
import type { ApiDeps } from '../api-deps.ts';

/** Brings the schedule that a source wants to Temporal; what fails here the sweep does a few seconds later. */
export async function applySchedule(deps: ApiDeps, source: SourceKey): Promise<void> {
  await deps.database.inWorkspace(source.workspaceId, async (em) => {
    const schedule = await holdUnappliedSchedule(em, source);
    if (schedule === undefined) return;
    await deps.applySchedule(source, schedule);
    await noteAppliedSchedule(em, source, schedule);
  });
}
