import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes, type RequestSyncInput } from '../contracts/names/workflows.ts';
import type { SourceSchedule } from '../contracts/source-schedule.ts';

/** Brings the schedules of sources to Temporal; every call may be repeated, by any number of replicas. */
export interface SourceSchedules {
  /** Creates, changes or (null) deletes the schedule of a source. */
  apply(source: RequestSyncInput, schedule: SourceSchedule | null): Promise<void>;
}

/** Makes the schedules of one process. */
export function createSourceSchedules(client: Client): SourceSchedules {
  return {
    async apply(source, schedule) {
      const id = workflowIds.requestSync(source.knowledgeSourceId);
      const handle = client.schedule.getHandle(id);
      if (schedule === null) {
        await handle.delete().catch(ignoreMissing);
        return;
      }
      const options = optionsOf(id, source, schedule);
      try {
        await client.schedule.create(options);
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        // An operator may have paused it: that stays as it is.
        await handle.update(({ state }) => ({ ...options, state }));
      }
    },
  };
}

function optionsOf(scheduleId: string, source: RequestSyncInput, schedule: SourceSchedule): ScheduleOptions {
  const isInterval = 'every_seconds' in schedule;
  return {
    scheduleId,
    spec: isInterval
      ? { intervals: [{ every: schedule.every_seconds * 1000 }] }
      : { cronExpressions: [schedule.cron], timezone: schedule.time_zone },
    policies: {
      // A request whose worker was killed may last longer than an interval, and must make no later one be skipped.
      overlap: ScheduleOverlapPolicy.ALLOW_ALL,
      // One missed run is made up for after an outage, not a year of them.
      catchupWindow: isInterval ? Math.max(schedule.every_seconds * 1000, 10_000) : '1 hour',
    },
    action: {
      type: 'startWorkflow',
      workflowType: workflowTypes.requestSync,
      workflowId: scheduleId,
      taskQueue: taskQueues.sync,
      args: [source],
      // It only asks for the sync, so it ends at once where there is a worker; this long it waits until there is one.
      workflowExecutionTimeout: isInterval ? Math.max(schedule.every_seconds * 1000, 300_000) : '1 hour',
      // A worker that was killed is noticed soon enough for another to ask within the interval.
      workflowTaskTimeout: '3 seconds',
      staticSummary: 'Ask for a scheduled sync of a source',
      staticDetails: `Source \`${source.knowledgeSourceId}\``,
    },
  };
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof ScheduleNotFoundError)) throw error;
}
