import type { ActivityOptions } from '@temporalio/workflow';

/** Steps heartbeat every 2 s. */
const noticed: Pick<ActivityOptions, 'heartbeatTimeout' | 'cancellationType'> = {
  heartbeatTimeout: '10 seconds',
  cancellationType: 'TRY_CANCEL',
};

/** Asking models about a memory: an outage of a few minutes is waited for; after a longer one a sweep asks again. */
export const askAboutMemoryOptions: ActivityOptions = {
  ...noticed,
  startToCloseTimeout: '5 minutes',
  scheduleToCloseTimeout: '30 minutes',
  retry: { initialInterval: '2 seconds', backoffCoefficient: 3, maximumInterval: '2 minutes', maximumAttempts: 5 },
};

/** One short transaction that must be written. */
export const endLessonOptions: ActivityOptions = {
  ...noticed,
  summary: 'Note why nothing was learned',
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
};

/** A look over all memories; the schedule's next run looks again. */
export const lookOverMemoriesOptions: ActivityOptions = {
  ...noticed,
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 seconds', maximumAttempts: 4 },
};

/** Condensing one memory. One that fails is tried again by the next run. */
export const condenseMemoryOptions: ActivityOptions = {
  ...noticed,
  startToCloseTimeout: '5 minutes',
  scheduleToCloseTimeout: '10 minutes',
  retry: { initialInterval: '2 seconds', backoffCoefficient: 3, maximumInterval: '1 minute', maximumAttempts: 4 },
};
