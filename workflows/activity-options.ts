import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { webhookQueue } from '../contracts/names/task-queues.ts';

/**
 * A worker that died is noticed after this long. Steps heartbeat every second or two; a cancel does not wait for the step:
 * the generation's end fences it.
 */
const noticed: Pick<ActivityOptions, 'heartbeatTimeout' | 'cancellationType'> = {
  heartbeatTimeout: '10 seconds',
  cancellationType: 'TRY_CANCEL',
};

/**
 * Short steps run inside the workflow task, which halves what a small document costs. A worker that dies within one is
 * noticed when the workflow task times out, after 10 s; a wait of more than 5 s becomes a timer.
 */
const withinWorkflowTask: LocalActivityOptions = {
  cancellationType: 'TRY_CANCEL',
  localRetryThreshold: '5 seconds',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/**
 * Extraction and chunking of a small document, and what follows if it has few chunks. Its provider may take a while; what
 * fails there goes on in steps of their own, which wait as long as it takes.
 */
export const prepareSmallOptions: LocalActivityOptions = {
  ...withinWorkflowTask,
  summary: 'Extract and chunk; embed, verify and activate if small',
  startToCloseTimeout: '10 minutes',
};

/**
 * All of a batch of small documents. A second attempt only looks what the first has left, so that a document which brings
 * its worker down does so once more, in a workflow of its own. That costs nothing but what was in flight, and many wait for
 * it: so it comes sooner than others'.
 */
export const ingestSmallOptions: ActivityOptions = {
  ...noticed,
  heartbeatTimeout: '5 seconds',
  startToCloseTimeout: '30 minutes',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/** Extraction and chunking of a large document: 32 MB take about a minute. */
export const prepareLargeOptions: ActivityOptions = {
  ...noticed,
  summary: 'Extract and chunk a large document',
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/**
 * Embedding of one range. A provider's `Retry-After` overrides the interval. An outage of about half an hour is waited
 * for; work that was stored is not repeated by a retry.
 */
export const embedChunksOptions: ActivityOptions = {
  ...noticed,
  startToCloseTimeout: '30 minutes',
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: 60,
  },
};

/** One transaction that verifies and activates. */
export const publishGenerationOptions: LocalActivityOptions = {
  ...withinWorkflowTask,
  summary: 'Verify and activate',
  startToCloseTimeout: '1 minute',
};

/** Clearing up what nothing finds any more. */
export const dropSupersededOptions: ActivityOptions = {
  ...noticed,
  summary: 'Drop the chunks of earlier generations',
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: '6 hours',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/** Clearing up after steps that died for good; the next run of the schedule goes on where this one ends. */
export const sweepOrphansOptions: ActivityOptions = {
  ...noticed,
  summary: 'Clear up after steps that died for good',
  startToCloseTimeout: '5 minutes',
  scheduleToCloseTimeout: '9 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/** A generation must reach its end, so this is tried until it has. */
export const failGenerationOptions: ActivityOptions = {
  heartbeatTimeout: '10 seconds',
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/** One short transaction about a sync, inside the workflow task. */
export const syncStepOptions: LocalActivityOptions = {
  ...withinWorkflowTask,
  summary: 'Look at the sync',
  startToCloseTimeout: '1 minute',
};

/** The end of a sync must be written, so this is tried until it is. */
export const finishSyncOptions: ActivityOptions = {
  heartbeatTimeout: '10 seconds',
  summary: 'End the sync',
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/**
 * Listing and fetching at a source that may be away for a while: about ten minutes of trying, and longer where the source
 * itself says when to come back.
 */
export const readSourceOptions: ActivityOptions = {
  ...noticed,
  startToCloseTimeout: '30 minutes',
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    maximumAttempts: 16,
  },
};

/** A look at a source, for which somebody waits. */
export const checkSourceOptions: ActivityOptions = {
  summary: 'Look whether the source can be read',
  startToCloseTimeout: '20 seconds',
  scheduleToCloseTimeout: '30 seconds',
  retry: { maximumAttempts: 1 },
};

/** Upkeep of the index of full text search: each step ends within seconds, and the next look repeats what failed. */
export const maintainLexiconOptions: LocalActivityOptions = {
  startToCloseTimeout: '60 seconds',
  retry: { maximumAttempts: 1 },
};

/** Building the index of a model's vectors: hours for millions of rows. What one attempt built stays. */
export const buildVectorIndexesOptions: ActivityOptions = {
  ...noticed,
  summary: 'Build and drop indexes of vectors',
  startToCloseTimeout: '24 hours',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/** Measuring the indexes of a model against comparing with all: minutes for millions of rows. */
export const examineIndexesOptions: ActivityOptions = {
  ...noticed,
  summary: 'Measure the indexes of a model',
  startToCloseTimeout: '2 hours',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 20 },
};

/** Building an index anew, or a vacuum: hours for millions of rows. A cancel waits until the database has ended it. */
export const mendIndexOptions: ActivityOptions = {
  heartbeatTimeout: '10 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  startToCloseTimeout: '24 hours',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 60 },
};

/** One statement of index maintenance. */
export const indexStepOptions: ActivityOptions = {
  heartbeatTimeout: '10 seconds',
  summary: 'Look after the indexes of vectors',
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/** One transaction or a series of short ones about a move to another embedding model, tried until it is done. */
export const moveStepOptions: ActivityOptions = {
  ...noticed,
  summary: 'Move to another embedding model',
  startToCloseTimeout: '1 hour',
  retry: { initialInterval: '250 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
};

/** Embedding of a few hundred documents for a move, which waits for a provider as ingestion does. */
export const embedMovedOptions: ActivityOptions = {
  ...embedChunksOptions,
  summary: 'Embed with the new model',
  startToCloseTimeout: '2 hours',
};

/**
 * Sending one message to one webhook: after 5 s, 20 s, 80 s and so on, then every 8 hours; eleven times within about 32
 * hours, so that a receiver may be away for a night.
 */
export const sendWebhookOptions: ActivityOptions = {
  ...noticed,
  summary: 'Send to the webhook',
  taskQueue: webhookQueue,
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '5 seconds', backoffCoefficient: 4, maximumInterval: '8 hours', maximumAttempts: 11 },
};

/** A message that nobody has taken must become a dead letter, so this is tried until it has. */
export const buryDeliveryOptions: LocalActivityOptions = {
  ...withinWorkflowTask,
  summary: 'Put among the dead letters',
  startToCloseTimeout: '1 minute',
};

/** A look at everything that is stored: minutes for millions of rows. It only reads, so it is repeated as a whole. */
export const checkInvariantsOptions: ActivityOptions = {
  ...noticed,
  summary: 'Check the invariants',
  startToCloseTimeout: '1 hour',
  retry: { initialInterval: '5 seconds', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 5 },
};

/** Sums and deletes in small transactions; an attempt goes on with what the one before has left. */
export const upkeepOptions: ActivityOptions = {
  ...noticed,
  startToCloseTimeout: '3 hours',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/**
 * Upkeep in a run that may last for seconds alone, inside its workflow task: of a worker that dies nothing is to be waited for
 * but the time-out of that task.
 */
export const shortUpkeepOptions: LocalActivityOptions = {
  ...withinWorkflowTask,
  startToCloseTimeout: '30 seconds',
};

/** A report of a run that has looked again and again; the run itself does not depend on it. */
export const reportLooksOptions: LocalActivityOptions = {
  summary: 'Report on the looks',
  startToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
};
