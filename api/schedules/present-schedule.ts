import { maintenanceSchedules } from '../../contracts/names/maintenance-schedules.ts';
import { workflowTypes } from '../../contracts/names/workflows.ts';
import type { Schedule } from '../../contracts/schedule.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';
import type { KnownSchedule } from './require-schedule.ts';
import type { ScheduledRun, StoredSchedule } from '../../platform/schedule-desk.ts';

/** A schedule as the API shows it; `historyUrl` is the address of a run in Temporal's web UI. */
export function presentSchedule(
  known: KnownSchedule,
  schedule: StoredSchedule,
  historyUrl: (workflowId: string, runId: string) => string | null,
): Schedule {
  const { workflow, summary, description, hasDryRun } =
    known.source === null ? maintenanceSchedules[known.name] : ofSource(known.source.name);
  const presentRun = ({ workflowId, runId, dueAt, startedAt }: ScheduledRun) => ({
    workflow_id: workflowId,
    run_id: runId,
    due_at: presentOptionalTime(dueAt),
    started_at: presentOptionalTime(startedAt),
    history_url: historyUrl(workflowId, runId),
  });
  return {
    name: schedule.name,
    workflow_type: workflow,
    summary,
    description,
    has_dry_run: hasDryRun,
    knowledge_source: known.source?.id ?? null,
    timing: schedule.timing,
    overlap: schedule.overlap,
    catch_up_seconds: schedule.catch_up_seconds,
    time_out_seconds: schedule.time_out_seconds,
    is_paused: schedule.isPaused,
    note: schedule.note,
    next_runs: schedule.nextRuns.map(presentTime),
    running: schedule.running.map(presentRun),
    recent_runs: schedule.recentRuns.map(presentRun),
    runs: schedule.runs,
    missed_runs: schedule.missedRuns,
    skipped_runs: schedule.skippedRuns,
    created_at: presentTime(schedule.createdAt),
    updated_at: presentTime(schedule.updatedAt),
  };
}

function ofSource(name: string) {
  return {
    workflow: workflowTypes.requestSync,
    summary: `Bring the source ${name} up to date`,
    description: 'Asks for a sync, unless one is under way. Its timing is part of the configuration of the source.',
    hasDryRun: false,
  };
}
