import { BatchStory } from './batch-story.ts';
import type { BatchStoryName } from './batch-story.ts';
import type { ChaosPoint } from './chaos-point.ts';
import { commitOf, providerCall, statementOf, temporalCall } from './message-patterns.ts';

const story =
  (name: BatchStoryName): ChaosPoint['tell'] =>
  (stack, word, random) =>
    new BatchStory(stack, name, word, random);

const insertsChunks = /insert into document_chunks/;
const publishes = commitOf('worker', /set active_generation = g\.generation/);
const endsTask = temporalCall('worker', 'RespondWorkflowTaskCompleted');

/**
 * Every effect of the ingestion of small documents that come together, in the order in which it happens: of a batch that
 * goes well, of one that leaves documents to workflows of their own, and of one of which a document is cancelled and
 * another deleted.
 */
export const batchPoints: readonly ChaosPoint[] = [
  { name: 'accept-batch', tell: story('batch'), is: commitOf('api', /insert into document_generations/) },
  { name: 'start-batch', tell: story('batch'), is: temporalCall('api', 'StartWorkflowExecution', 'ingestBatch') },
  { name: 'schedule-batch', tell: story('batch'), is: endsTask },
  { name: 'take-over-batch', tell: story('batch'), is: commitOf('worker', /set run_id = \$/) },
  // Before it texts are cut, and nothing of them is stored; after it chunks are stored, and not committed.
  { name: 'cut-batch', tell: story('batch'), is: statementOf('worker', insertsChunks) },
  { name: 'store-batch-chunks', tell: story('batch'), is: commitOf('worker', insertsChunks) },
  { name: 'store-later-batch-chunks', tell: story('batch'), is: commitOf('worker', insertsChunks), nth: 2 },
  { name: 'call-for-batch', tell: story('batch'), is: providerCall() },
  { name: 'later-call-for-batch', tell: story('batch'), is: providerCall(), nth: 10 },
  { name: 'publish-batch', tell: story('batch'), is: publishes },
  { name: 'publish-later-batch', tell: story('batch'), is: publishes, nth: 2 },
  { name: 'report-batch', tell: story('batch'), is: temporalCall('worker', 'RespondActivityTaskCompleted') },
  { name: 'end-batch', tell: story('batch'), is: endsTask, nth: 2 },
  {
    name: 'hand-over-left',
    tell: story('batch-mixed'),
    is: temporalCall('worker', 'RespondWorkflowTaskCompleted', 'ingestDocument'),
  },
  { name: 'publish-left', tell: story('batch-mixed'), is: commitOf('worker', /set active_generation = \$/) },
  { name: 'compensate-left', tell: story('batch-mixed'), is: commitOf('worker', /set state = \$3, error = \$4/) },
  { name: 'cancel-one', tell: story('batch-interrupted'), is: commitOf('api', /set state = \$3, error = \$4/) },
  { name: 'delete-one', tell: story('batch-interrupted'), is: commitOf('api', /set deleted_at = now\(\)/) },
];
