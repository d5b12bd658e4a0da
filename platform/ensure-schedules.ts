import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../contracts/names/workflows.ts';

/**
 * Creates the schedules that are missing. One that exists keeps its stored state: an operator may have paused or changed
 * it. Any number of replicas may call this at once.
 */
export async function ensureSchedules(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: workflowIds.sweepAccepted,
      spec: { intervals: [{ every: '5 minutes' }] },
      // The default catch-up window of a year would replay every interval of an outage.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '5 minutes' },
      state: { triggerImmediately: true },
      action: {
        type: 'startWorkflow',
        workflowType: workflowTypes.sweepAccepted,
        workflowId: workflowIds.sweepAccepted,
        taskQueue: taskQueues.maintain,
        args: [],
        staticSummary: 'Start accepted work that has no workflow',
        staticDetails: 'Looks every 5 s. A result of `swept: 0` is the usual one: nothing had been left behind.',
        // Below the interval, so that a run that hangs cannot make the schedule skip more than one.
        workflowExecutionTimeout: '295 seconds',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
