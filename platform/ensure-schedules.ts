import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../contracts/names/workflows.ts';

const schedules = [
  {
    id: workflowIds.sweepAccepted,
    workflowType: workflowTypes.sweepAccepted,
    every: '5 minutes',
    // Below the interval, so that a run that hangs cannot make the schedule skip more than one.
    workflowExecutionTimeout: '295 seconds',
    staticSummary: 'Start accepted work that has no workflow',
    staticDetails: 'Looks every 5 s. A result of `swept: 0` is the usual one: nothing had been left behind.',
  },
  {
    id: workflowIds.sweepOrphans,
    workflowType: workflowTypes.sweepOrphans,
    every: '10 minutes',
    workflowExecutionTimeout: '590 seconds',
    staticSummary: 'Clear up after steps that died for good',
    staticDetails: 'Chunks, bytes and vectors that belong to nothing any more. Zeros are the usual result.',
  },
  {
    id: workflowIds.maintainLexicon,
    workflowType: workflowTypes.maintainLexicon,
    every: '5 minutes',
    workflowExecutionTimeout: '295 seconds',
    staticSummary: 'Keep the index of full text search',
    staticDetails: 'Looks every 10 s: folds the statistics of terms, and indexes documents that are not indexed yet.',
  },
] as const;

/**
 * Creates the schedules that are missing. One that exists keeps its stored state: an operator may have paused or changed
 * it. Any number of replicas may call this at once.
 */
export async function ensureSchedules(client: Client): Promise<void> {
  for (const { id, workflowType, every, ...details } of schedules) {
    await createIfAbsent(client, {
      scheduleId: id,
      spec: { intervals: [{ every }] },
      // The default catch-up window of a year would replay every interval of an outage.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: every },
      state: { triggerImmediately: true },
      action: {
        type: 'startWorkflow',
        workflowType,
        workflowId: id,
        taskQueue: taskQueues.maintain,
        args: [],
        ...details,
      },
    });
  }
}

async function createIfAbsent(client: Client, options: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
