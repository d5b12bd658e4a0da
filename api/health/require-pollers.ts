import type { TaskQueue } from '../../contracts/names/task-queues.ts';
import type { ApiDeps } from '../api-deps.ts';

/** A worker asks for work at least once a minute (a long poll ends after 60 s), so an older poll is a worker that is gone. */
const freshPollMs = 75_000;
/** TaskQueueType of Temporal's protocol. */
const pollTypes = [
  { type: 1, name: 'workflow' },
  { type: 2, name: 'activity' },
] as const;

/**
 * Resolves if workers have lately asked for work of a queue, of workflows and of activities.
 * @throws Error that names the kind of work for which nobody does.
 */
export async function requirePollers({ temporal }: Pick<ApiDeps, 'temporal'>, queue: TaskQueue): Promise<void> {
  await Promise.all(
    pollTypes.map(async ({ type, name }) => {
      const { pollers } = await temporal.workflowService.describeTaskQueue({
        namespace: temporal.options.namespace,
        taskQueue: { name: queue },
        taskQueueType: type,
      });
      const latest = Math.max(
        0,
        ...(pollers ?? []).map((poller) => Number(poller.lastAccessTime?.seconds ?? 0) * 1000),
      );
      if (Date.now() - latest > freshPollMs) throw new Error(`nobody polls for ${name} tasks of ${queue}`);
    }),
  );
}
