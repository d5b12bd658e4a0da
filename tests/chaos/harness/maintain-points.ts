import type { ChaosPoint } from './chaos-point.ts';
import { MaintainStory } from './maintain-story.ts';
import { statementOf, temporalCall } from './message-patterns.ts';

const tell: ChaosPoint['tell'] = (stack, word, random) => new MaintainStory(stack, word, random);
const reports = temporalCall('worker', 'RespondActivityTaskCompleted');

/**
 * Every effect of the maintenance of a degraded index, in the order in which they happen. One model at a time is
 * maintained, so points that are held together are reached one after the other, in rounds of their own.
 */
export const maintainPoints: readonly ChaosPoint[] = [
  { name: 'start-maintenance', tell, is: temporalCall('api', 'StartWorkflowExecution') },
  { name: 'measure-index', tell, is: statementOf('worker', /from nearest_by_index/) },
  { name: 'report-examined', tell, is: reports },
  { name: 'rebuild-index', tell, is: statementOf('worker', /^create index concurrently/) },
  { name: 'compare-indexes', tell, is: statementOf('worker', /^drop index "/) },
  { name: 'drop-replaced', tell, is: statementOf('worker', /^drop index concurrently/) },
  { name: 'take-name', tell, is: statementOf('worker', /^alter index/) },
  { name: 'vacuum-vectors', tell, is: statementOf('worker', /^vacuum/) },
  { name: 'report-mended', tell, is: reports, nth: 2 },
];
