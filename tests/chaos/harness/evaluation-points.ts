import type { ChaosPoint } from './chaos-point.ts';
import { EvaluationStory } from './evaluation-story.ts';
import { chatCall, commitOf, statementOf, temporalCall } from './message-patterns.ts';

const tell: ChaosPoint['tell'] = (stack, word) => new EvaluationStory(stack, word);

const writes = statementOf('worker', /write_item_changes/);
const reports = temporalCall('worker', 'RespondActivityTaskCompleted');

/**
 * Every effect of a run of evaluations of a few cases with a metric that computes and one that asks a judge, in the order in
 * which they happen, up to the history that is kept when it has ended. Writes of one item: the target's call before it is
 * made, its output with the judge's call before that is made, the judge's answer with the results.
 */
export const evaluationPoints: readonly ChaosPoint[] = [
  { name: 'request-run', tell, is: commitOf('api', /insert into evaluations/) },
  { name: 'start-run', tell, is: temporalCall('api', 'StartWorkflowExecution') },
  { name: 'make-items', tell, is: commitOf('worker', /insert into evaluation_items/) },
  { name: 'report-items', tell, is: reports },
  { name: 'claim-items', tell, is: commitOf('worker', /update evaluation_items\s+set attempt = attempt \+ 1/) },
  { name: 'book-target', tell, is: writes },
  { name: 'call-target', tell, is: chatCall },
  { name: 'commit-output', tell, is: writes, nth: 2 },
  { name: 'call-judge', tell, is: chatCall, nth: 2 },
  { name: 'commit-results', tell, is: writes, nth: 3 },
  { name: 'call-later-target', tell, is: chatCall, nth: 3 },
  { name: 'call-later-judge', tell, is: chatCall, nth: 4 },
  { name: 'report-block', tell, is: reports, nth: 2 },
  { name: 'finish-run', tell, is: commitOf('worker', /update evaluations\s+set status = \$2, verdict/) },
  { name: 'report-verdict', tell, is: reports, nth: 3 },
  { name: 'keep-history', tell, is: commitOf('worker', /insert into evaluation_histories/) },
];
