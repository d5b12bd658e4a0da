import type { ChaosPoint } from './chaos-point.ts';
import { commitOf, providerCall, statementOf, storesPaidVectors, temporalCall } from './message-patterns.ts';
import { SagaStory } from './saga-stories.ts';
import type { StoryName } from './saga-stories.ts';

const story =
  (name: StoryName): ChaosPoint['tell'] =>
  (stack, word, random) =>
    new SagaStory(stack, name, word, random);

const insertsChunks = /insert into document_chunks/;

/**
 * Every effect of the saga in the order in which it happens. Each is named by the message that carries it, so a product
 * whose messages change makes a point that is never reached, which fails the run.
 */
export const sagaPoints: readonly ChaosPoint[] = [
  { name: 'accept', tell: story('ingest'), is: commitOf('api', /insert into document_generations/) },
  { name: 'start-workflow', tell: story('ingest'), is: temporalCall('api', 'StartWorkflowExecution') },
  { name: 'take-over', tell: story('ingest'), is: commitOf('worker', /set run_id = \$/) },
  // Before it the text is parsed and cut, and nothing of it is stored; after it chunks are stored, and not committed.
  { name: 'parsed', tell: story('ingest'), is: statementOf('worker', insertsChunks) },
  { name: 'store-chunks', tell: story('ingest'), is: commitOf('worker', insertsChunks) },
  { name: 'store-later-chunks', tell: story('large'), is: commitOf('worker', insertsChunks), nth: 2 },
  { name: 'report-prepared', tell: story('ingest'), is: temporalCall('worker', 'RespondWorkflowTaskCompleted') },
  { name: 'start-usage', tell: story('ingest'), is: commitOf('worker', /insert into usage_metrics/) },
  { name: 'provider-call', tell: story('ingest'), is: providerCall() },
  { name: 'later-provider-call', tell: story('ingest'), is: providerCall(), nth: 2 },
  { name: 'store-vectors', tell: story('ingest'), is: storesPaidVectors },
  { name: 'store-later-vectors', tell: story('ingest'), is: storesPaidVectors, nth: 2 },
  { name: 'store-chunks-to-embed-slowly', tell: story('leisurely'), is: commitOf('worker', insertsChunks) },
  { name: 'slow-provider-call', tell: story('leisurely'), is: providerCall() },
  { name: 'store-slow-vectors', tell: story('leisurely'), is: storesPaidVectors },
  // A small document is embedded within its workflow task, whose end reports all of it.
  { name: 'report-embedded', tell: story('large'), is: temporalCall('worker', 'RespondActivityTaskCompleted') },
  { name: 'publish', tell: story('replace'), is: commitOf('worker', /set active_generation = \$/) },
  {
    name: 'report-published',
    tell: story('replace'),
    is: temporalCall('worker', 'RespondWorkflowTaskCompleted'),
    nth: 2,
  },
  {
    name: 'drop-superseded',
    tell: story('replace'),
    is: commitOf('worker', /delete from document_chunks p using/),
  },
  { name: 'compensate', tell: story('fail'), is: commitOf('worker', /set state = \$3, error = \$4/) },
  { name: 'delete', tell: story('delete'), is: commitOf('api', /set deleted_at = now\(\)/) },
  { name: 'cancel', tell: story('cancel'), is: commitOf('api', /set state = \$3, error = \$4/) },
  { name: 'cancel-workflow', tell: story('cancel'), is: temporalCall('api', 'RequestCancelWorkflowExecution') },
  { name: 'retry', tell: story('retry'), is: commitOf('api', /update blobs b set generation/) },
  { name: 'retry-reuse', tell: story('retry'), is: commitOf('worker', /insert into embedding_claims/) },
  { name: 'delete-underway', tell: story('delete-underway'), is: commitOf('api', /set deleted_at = now\(\)/) },
];
