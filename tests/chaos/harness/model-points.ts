import type { ChaosPoint } from './chaos-point.ts';
import { IndexStory } from './index-story.ts';
import { commitOf, providerCall, statementOf, storesPaidVectors, temporalCall } from './message-patterns.ts';
import { MoveStory } from './move-story.ts';
import type { MoveStoryName } from './move-story.ts';
import { movedModel } from './proxies/provider-proxy.ts';

const move =
  (name: MoveStoryName): ChaosPoint['tell'] =>
  (stack, word, random) =>
    new MoveStory(stack, name, word, random);
const index: ChaosPoint['tell'] = (stack, word, random) => new IndexStory(stack, word, random);

const reports = temporalCall('worker', 'RespondActivityTaskCompleted');

/**
 * Every effect of a move of a source to another embedding model, of one that is cancelled, and of a change of a model's
 * indexes, in the order in which they happen. Steps of a move that are reported: begin, embed, switch, clear.
 */
export const modelPoints: readonly ChaosPoint[] = [
  { name: 'request-move', tell: move('move'), is: commitOf('api', /insert into embedding_moves/) },
  { name: 'start-move', tell: move('move'), is: temporalCall('api', 'StartWorkflowExecution') },
  {
    name: 'begin-move',
    tell: move('move'),
    is: commitOf('worker', /update embedding_moves v\s+set state = 'running'/),
  },
  { name: 'call-for-move', tell: move('move'), is: providerCall(movedModel) },
  { name: 'store-moved', tell: move('move'), is: storesPaidVectors },
  { name: 'store-moved-later', tell: move('move'), is: storesPaidVectors, nth: 3 },
  { name: 'advance-move', tell: move('move'), is: commitOf('worker', /set after_document_id = \$3/) },
  { name: 'report-moved', tell: move('move'), is: reports, nth: 2 },
  { name: 'switch-model', tell: move('move'), is: commitOf('worker', /update rag_tools r set embedding_model_id/) },
  { name: 'report-switched', tell: move('move'), is: reports, nth: 3 },
  { name: 'clear-vectors', tell: move('move'), is: commitOf('worker', /delete from chunk_embeddings e using next/) },
  { name: 'finish-clearing', tell: move('move'), is: commitOf('worker', /set is_cleared = true/) },
  { name: 'cancel-move', tell: move('cancelled'), is: temporalCall('api', 'RequestCancelWorkflowExecution') },
  { name: 'end-move', tell: move('cancelled'), is: commitOf('worker', /update embedding_moves\s+set state = \$3/) },
  {
    name: 'clear-cancelled',
    tell: move('cancelled'),
    is: commitOf('worker', /delete from chunk_embeddings e using next/),
  },
  { name: 'choose-index', tell: index, is: commitOf('api', /update models set vector_index/) },
  { name: 'start-indexing', tell: index, is: temporalCall('api', 'StartWorkflowExecution') },
  { name: 'build-index', tell: index, is: statementOf('worker', /^create index concurrently/) },
  { name: 'drop-index', tell: index, is: statementOf('worker', /^drop index concurrently/) },
  { name: 'report-indexed', tell: index, is: reports },
];
