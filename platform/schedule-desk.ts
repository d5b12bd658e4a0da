import { randomUUID } from 'node:crypto';
import {
  isGrpcServiceError,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
} from '@temporalio/client';
import { PerdureError } from '../contracts/errors.ts';
import {
  isMaintenanceSchedule,
  maintenanceSchedules,
  overlapPolicies,
  type MaintenanceScheduleName,
  type ScheduleSettings,
} from '../contracts/names/maintenance-schedules.ts';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { changeSettings } from '../domain/schedules/change-settings.ts';
import { Workspace } from '../entities/index.ts';
import type { ConfiguredSchedules } from './configured-schedules.ts';
import type { Database } from './database.ts';
import { ensureSchedule } from './ensure-schedules.ts';
import { maintenanceScheduleOptions } from './maintenance-schedule-options.ts';

/** A run of a schedule. */
export type ScheduledRun = { workflowId: string; runId: string; dueAt: Date | null; startedAt: Date | null };

/** A schedule as Temporal has it; `timing` is null where it was changed there to something else. */
export type StoredSchedule = Omit<ScheduleSettings, 'timing'> & {
  name: string;
  timing: ScheduleSettings['timing'] | null;
  isPaused: boolean;
  note: string | null;
  nextRuns: Date[];
  running: ScheduledRun[];
  /** Newest first. */
  recentRuns: ScheduledRun[];
  runs: number;
  missedRuns: number;
  skippedRuns: number;
  createdAt: Date;
  updatedAt: Date;
};

/** What the API needs of the schedules of maintenance; `createScheduleDesk` makes it. */
export interface ScheduleDesk {
  /**
   * Reads one. One of maintenance that was deleted in Temporal is made anew.
   * @throws PerdureError `not_found` where a source has no schedule; so do the others.
   */
  read(name: string): Promise<StoredSchedule>;
  /** @throws PerdureError `bad_request` where the settings do not go together. */
  change(
    name: MaintenanceScheduleName,
    change: { [Name in keyof ScheduleSettings]?: ScheduleSettings[Name] | undefined },
  ): Promise<void>;
  /** Brings the settings back to those of the configuration; whether it is paused stays. */
  reset(name: MaintenanceScheduleName): Promise<void>;
  pause(name: string, note: string): Promise<void>;
  resume(name: string, note: string): Promise<void>;
  /** Starts a run at once, or when the one that is under way has ended. */
  trigger(name: string): Promise<void>;
  /** Starts a run that reports what it would do and does nothing; the id of its workflow. */
  startDryRun(name: MaintenanceScheduleName): Promise<string>;
  /** Whether the keys of that workspace may see and change what concerns the whole server. */
  operates(workspaceId: string): Promise<boolean>;
}

/** Makes what the API needs of the schedules of maintenance. */
export function createScheduleDesk(deps: {
  client: Client;
  database: Pick<Database, 'inWorkspace'>;
  configured: ConfiguredSchedules;
  /** Name of the workspace whose keys operate the server. */
  operatorWorkspace: string;
  /** Gives a call to Temporal up when it takes too long for somebody who waits. */
  soon<T>(work: () => Promise<T>): Promise<T>;
}): ScheduleDesk {
  const { client, configured } = deps;

  async function withHandle<T>(name: string, work: (handle: ScheduleHandle) => Promise<T>): Promise<T> {
    const handle = client.schedule.getHandle(name);
    return ask(async () => {
      try {
        return await work(handle);
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
        if (!isMaintenanceSchedule(name))
          throw new PerdureError('not_found', 'There is no such schedule in this workspace.');
        await ensureSchedule(client, configured, name);
        return work(handle);
      }
    });
  }

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await deps.soon(work);
    } catch (error) {
      if (!isGrpcServiceError(error)) throw error;
      const detail = 'Temporal, which keeps the schedules, does not answer. Try again; look at it if that persists.';
      throw Object.assign(new PerdureError('unavailable', detail), { cause: error });
    }
  }

  const read = (name: string) => withHandle(name, async (handle) => storedSchedule(name, await handle.describe()));
  const settle = (name: MaintenanceScheduleName, settings: ScheduleSettings) =>
    withHandle(name, (handle) =>
      handle.update(({ state }) => ({ ...maintenanceScheduleOptions(name, settings), state })),
    );

  return {
    read,
    async change(name, change) {
      const { timing, ...stored } = await read(name);
      const changed = changeSettings({ ...stored, timing: timing ?? configured[name].timing }, change);
      if ('mistake' in changed) {
        const path = `body.${changed.path}`;
        throw new PerdureError('bad_request', `${path}: ${changed.mistake}`, {
          errors: [{ path, message: changed.mistake }],
        });
      }
      await settle(name, changed.settings);
    },
    reset: (name) => settle(name, configured[name]),
    pause: (name, note) => withHandle(name, (handle) => handle.pause(note)),
    resume: (name, note) => withHandle(name, (handle) => handle.unpause(note)),
    // Not the schedule's own policy: skipped because a run is under way, a trigger would be lost without a word.
    trigger: (name) => withHandle(name, (handle) => handle.trigger(ScheduleOverlapPolicy.BUFFER_ONE)),
    async startDryRun(name) {
      const { workflow, summary, description } = maintenanceSchedules[name];
      const workflowId = `${name}-dry-run-${randomUUID()}`;
      await ask(() =>
        client.workflow.start(workflow, {
          workflowId,
          taskQueue: taskQueues.maintain,
          args: [{ dryRun: true }],
          workflowExecutionTimeout: configured[name].time_out_seconds * 1000,
          staticSummary: `${summary} (dry run)`,
          staticDetails: description,
        }),
      );
      return workflowId;
    },
    operates: (workspaceId) =>
      deps.database.inWorkspace(workspaceId, async (em) => {
        const workspace = await em.findOne(Workspace, { id: workspaceId });
        return workspace?.name === deps.operatorWorkspace;
      }),
  };
}

function storedSchedule(name: string, stored: ScheduleDescription): StoredSchedule {
  const { spec, policies, action, state, info } = stored;
  return {
    name,
    timing: timingOf(spec),
    overlap: overlapPolicies.find((policy) => policy.toUpperCase() === policies.overlap) ?? 'skip',
    catch_up_seconds: Math.round(policies.catchupWindow / 1000),
    time_out_seconds: secondsOf(action.workflowExecutionTimeout) ?? 0,
    isPaused: state.paused,
    note: state.note === undefined || state.note === '' ? null : state.note,
    nextRuns: info.nextActionTimes,
    running: info.runningActions.map(({ workflow }) => ({
      workflowId: workflow.workflowId,
      runId: workflow.firstExecutionRunId,
      dueAt: null,
      startedAt: null,
    })),
    recentRuns: info.recentActions
      .map(({ scheduledAt, takenAt, action: { workflow } }): ScheduledRun => ({
        workflowId: workflow.workflowId,
        runId: workflow.firstExecutionRunId,
        dueAt: scheduledAt,
        startedAt: takenAt,
      }))
      .reverse(),
    runs: info.numActionsTaken,
    missedRuns: info.numActionsMissedCatchupWindow,
    skippedRuns: info.numActionsSkippedOverlap,
    createdAt: info.createdAt,
    updatedAt: info.lastUpdatedAt ?? info.createdAt,
  };
}

/** The timing as it was given: Temporal has taken a cron expression to pieces, and kept its text as a comment. */
function timingOf({ intervals = [], calendars = [], timezone }: ScheduleDescription['spec']): StoredSchedule['timing'] {
  const [interval] = intervals;
  const [calendar] = calendars;
  if (interval !== undefined && intervals.length === 1 && calendars.length === 0 && !interval.offset)
    return { every_seconds: Math.round(interval.every / 1000) };
  if (calendar?.comment && intervals.length === 0 && calendars.every(({ comment }) => comment === calendar.comment))
    return { cron: calendar.comment, time_zone: timezone === undefined || timezone === '' ? 'UTC' : timezone };
  return null;
}

function secondsOf(duration: unknown): number | null {
  return typeof duration === 'number' && duration > 0 ? Math.round(duration / 1000) : null;
}
