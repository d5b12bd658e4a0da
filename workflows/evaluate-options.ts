import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/** A worker that died is noticed after this long; steps heartbeat every 2 s. A cancel does not wait: the rows fence. */
const noticed: Pick<ActivityOptions, 'heartbeatTimeout' | 'cancellationType'> = {
  heartbeatTimeout: '10 seconds',
  cancellationType: 'TRY_CANCEL',
};

/** Making the items of a large data set takes seconds; it is tried until it is done. */
export const beginEvaluationOptions: ActivityOptions = {
  ...noticed,
  summary: 'Make the items, find what is open',
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/**
 * One block of items. What it waits for is decided by the run's patience, in the rows: it is tried until its items have
 * ended. A step whose model is away says itself when to come back; the interval here is for what died.
 */
export const evaluateItemsOptions: ActivityOptions = {
  ...noticed,
  startToCloseTimeout: '2 hours',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '2 seconds' },
};

/** One look at the conversations that are held: collects what has ended, sends what comes next. */
export const holdTurnsOptions: ActivityOptions = {
  ...noticed,
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/** The end of a run must be written, so this is tried until it is. */
export const finishEvaluationOptions: ActivityOptions = {
  ...noticed,
  summary: 'Aggregate, compare, decide the gates',
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/** One short transaction that ends a run early. */
export const stopEvaluationOptions: LocalActivityOptions = {
  summary: 'End the run',
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
};
