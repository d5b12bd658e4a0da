import { ScheduleOverlapPolicy, type ScheduleOptions, type ScheduleSpec } from '@temporalio/client';
import {
  maintenanceSchedules,
  type MaintenanceScheduleName,
  type ScheduleSettings,
} from '../contracts/names/maintenance-schedules.ts';
import { taskQueues } from '../contracts/names/task-queues.ts';

const policies = {
  skip: ScheduleOverlapPolicy.SKIP,
  buffer_one: ScheduleOverlapPolicy.BUFFER_ONE,
  cancel_other: ScheduleOverlapPolicy.CANCEL_OTHER,
  terminate_other: ScheduleOverlapPolicy.TERMINATE_OTHER,
  allow_all: ScheduleOverlapPolicy.ALLOW_ALL,
} as const satisfies Record<ScheduleSettings['overlap'], ScheduleOverlapPolicy>;

/** What Temporal is told of a schedule of maintenance with these settings. */
export function maintenanceScheduleOptions(
  name: MaintenanceScheduleName,
  settings: ScheduleSettings,
): Pick<ScheduleOptions, 'spec' | 'policies' | 'action'> {
  const { workflow, summary, description } = maintenanceSchedules[name];
  return {
    spec: specOf(settings.timing),
    policies: {
      overlap: policies[settings.overlap],
      // Stated, because Temporal's own would make up for every run that was missed within a year.
      catchupWindow: settings.catch_up_seconds * 1000,
    },
    action: {
      type: 'startWorkflow',
      workflowType: workflow,
      workflowId: name,
      taskQueue: taskQueues.maintain,
      args: [],
      workflowExecutionTimeout: settings.time_out_seconds * 1000,
      workflowTaskTimeout: taskTimeoutMs(settings.time_out_seconds),
      staticSummary: summary,
      staticDetails: description,
    },
  };
}

/** Of a worker that dies with a task of a run in its hands is heard early enough for another to end the run in time. */
function taskTimeoutMs(timeOutSeconds: number): number {
  return Math.min(10_000, Math.max(1000, timeOutSeconds * 250));
}

function specOf(timing: ScheduleSettings['timing']): ScheduleSpec {
  if ('every_seconds' in timing) return { intervals: [{ every: timing.every_seconds * 1000 }] };
  // Temporal takes an expression to pieces; as a comment it can be shown again as it was given.
  return { cronExpressions: [`${timing.cron} #${timing.cron}`], timezone: timing.time_zone };
}
