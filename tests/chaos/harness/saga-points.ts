import type { Edge, Sighting } from './proxies/trap-board.ts';
import type { StoryName } from './saga-stories.ts';

/** A place in the life of a document where a process can be hit exactly: an effect, and the story in which it happens. */
export interface SagaPoint {
  readonly name: string;
  readonly story: StoryName;
  /** Whether a message is the effect, whatever document it belongs to. */
  readonly is: (sighting: Sighting) => boolean;
  /** Which of the document's messages it is; the first unless given. */
  readonly nth?: number;
  readonly edges: readonly Edge[];
}

const both: readonly Edge[] = ['before', 'after'];

/** The commit of a transaction in which `process` ran such a statement. */
const commitOf = (process: 'api' | 'worker', statement: RegExp) => (sighting: Sighting) =>
  sighting.via === 'postgres' &&
  sighting.process === process &&
  /^commit$/i.test(sighting.what) &&
  sighting.within.some((text) => statement.test(text));

const statement = (process: 'api' | 'worker', text: RegExp) => (sighting: Sighting) =>
  sighting.via === 'postgres' && sighting.process === process && text.test(sighting.what);

const temporalCall = (process: 'api' | 'worker', call: string) => (sighting: Sighting) =>
  sighting.via === 'temporal' && sighting.process === process && sighting.what === call;

const providerCall = (sighting: Sighting) => sighting.via === 'provider' && sighting.what.endsWith('/embeddings');

const insertsChunks = /insert into document_chunks/;
const insertsVectors = /insert into chunk_embeddings/;

/**
 * Every effect of the saga in the order in which it happens. Each is named by the message that carries it, so a product
 * whose messages change makes a point that is never reached, which fails the run.
 */
export const sagaPoints: readonly SagaPoint[] = [
  { name: 'accept', story: 'ingest', is: commitOf('api', /insert into document_generations/), edges: both },
  { name: 'start-workflow', story: 'ingest', is: temporalCall('api', 'StartWorkflowExecution'), edges: both },
  { name: 'take-over', story: 'ingest', is: commitOf('worker', /set run_id = \$/), edges: both },
  // Before it the text is parsed and cut, and nothing of it is stored; after it chunks are stored, and not committed.
  { name: 'parsed', story: 'ingest', is: statement('worker', insertsChunks), edges: both },
  { name: 'store-chunks', story: 'ingest', is: commitOf('worker', insertsChunks), edges: both },
  { name: 'store-later-chunks', story: 'large', is: commitOf('worker', insertsChunks), nth: 2, edges: both },
  { name: 'report-prepared', story: 'ingest', is: temporalCall('worker', 'RespondWorkflowTaskCompleted'), edges: both },
  { name: 'start-usage', story: 'ingest', is: commitOf('worker', /insert into usage_metrics/), edges: both },
  { name: 'provider-call', story: 'ingest', is: providerCall, edges: both },
  { name: 'later-provider-call', story: 'ingest', is: providerCall, nth: 2, edges: both },
  { name: 'store-vectors', story: 'ingest', is: commitOf('worker', insertsVectors), edges: both },
  { name: 'store-later-vectors', story: 'ingest', is: commitOf('worker', insertsVectors), nth: 2, edges: both },
  { name: 'report-embedded', story: 'ingest', is: temporalCall('worker', 'RespondActivityTaskCompleted'), edges: both },
  { name: 'publish', story: 'replace', is: commitOf('worker', /set active_generation = \$/), edges: both },
  {
    name: 'report-published',
    story: 'replace',
    is: temporalCall('worker', 'RespondWorkflowTaskCompleted'),
    nth: 2,
    edges: both,
  },
  {
    name: 'drop-superseded',
    story: 'replace',
    is: commitOf('worker', /delete from document_chunks p using/),
    edges: both,
  },
  { name: 'compensate', story: 'fail', is: commitOf('worker', /set state = \$3, error = \$4/), edges: both },
  { name: 'delete', story: 'delete', is: commitOf('api', /set deleted_at = now\(\)/), edges: both },
  { name: 'cancel', story: 'cancel', is: commitOf('api', /set state = \$3, error = \$4/), edges: both },
  { name: 'cancel-workflow', story: 'cancel', is: temporalCall('api', 'RequestCancelWorkflowExecution'), edges: both },
  { name: 'retry', story: 'retry', is: commitOf('api', /update blobs b set generation/), edges: both },
  { name: 'retry-reuse', story: 'retry', is: commitOf('worker', /insert into embedding_claims/), edges: both },
  { name: 'delete-underway', story: 'delete-underway', is: commitOf('api', /set deleted_at = now\(\)/), edges: both },
];
