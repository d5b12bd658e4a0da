import type { ChaosPoint } from './chaos-point.ts';
import { commitOf, temporalCall } from './message-patterns.ts';
import { SyncStory } from './sync-story.ts';
import type { SyncStoryName } from './sync-story.ts';

const story =
  (name: SyncStoryName): ChaosPoint['tell'] =>
  (stack, word, random) =>
    new SyncStory(stack, name, word, random);

const settlesItem = commitOf('worker', /update source_items i\s+set state = o\.state/);
const forgetsItem = commitOf('worker', /delete from source_items/);
const endsSync = commitOf('worker', /update source_syncs\s+set state = \$3/);
const reports = temporalCall('worker', 'RespondActivityTaskCompleted');

/**
 * Every effect of a sync in the order in which it happens: of one of a new folder, of one that finds files changed and
 * gone, and of one that is cancelled. Its steps that are reported are a look for pending files, the listing, two fetches of
 * a new folder or one of a changed one, the deletes and the end.
 */
export const syncPoints: readonly ChaosPoint[] = [
  { name: 'request-sync', tell: story('new'), is: commitOf('api', /insert into source_syncs/) },
  { name: 'start-sync', tell: story('new'), is: temporalCall('api', 'StartWorkflowExecution') },
  { name: 'begin-sync', tell: story('new'), is: commitOf('worker', /set state = 'running', started_at/) },
  { name: 'list-page', tell: story('new'), is: commitOf('worker', /update source_cursors set is_done/) },
  { name: 'report-listed', tell: story('new'), is: reports, nth: 2 },
  { name: 'hand-over', tell: story('new'), is: settlesItem },
  { name: 'hand-over-later', tell: story('new'), is: settlesItem, nth: 2 },
  { name: 'report-fetched', tell: story('new'), is: reports, nth: 3 },
  {
    name: 'start-children',
    tell: story('new'),
    is: temporalCall('worker', 'RespondWorkflowTaskCompleted', 'ingestBatch'),
  },
  { name: 'finish-sync', tell: story('new'), is: endsSync },
  { name: 'report-finished', tell: story('new'), is: reports, nth: 5 },
  { name: 'hand-over-changed', tell: story('changed'), is: settlesItem },
  // After it, nobody but the batch knows that chunks were replaced.
  {
    name: 'publish-changed',
    tell: story('changed'),
    is: commitOf('worker', /set active_generation = \$/),
  },
  { name: 'remove-document', tell: story('changed'), is: forgetsItem },
  { name: 'remove-later', tell: story('changed'), is: forgetsItem, nth: 2 },
  { name: 'report-removed', tell: story('changed'), is: reports, nth: 4 },
  { name: 'cancel-sync', tell: story('cancelled'), is: temporalCall('api', 'RequestCancelWorkflowExecution') },
  {
    name: 'cancel-documents',
    tell: story('cancelled'),
    is: commitOf('worker', /set state = \$3, error = \$4, content = null/),
  },
  { name: 'finish-cancelled', tell: story('cancelled'), is: endsSync },
];
