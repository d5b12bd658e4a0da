import type { ChaosPoint } from './chaos-point.ts';
import { MemoryStory } from './memory-story.ts';
import { chatCall, commitOf, temporalCall } from './message-patterns.ts';

const tell: ChaosPoint['tell'] = (stack, word) => new MemoryStory(stack, 'learn', word);
const tellCondensing: ChaosPoint['tell'] = (stack, word) => new MemoryStory(stack, 'condense', word);
const reports = temporalCall('worker', 'RespondActivityTaskCompleted');

/**
 * Every effect of a lesson, from the look that finds a conversation at rest to the memory that it changes, then those of a
 * memory that is condensed.
 */
export const memoryPoints: readonly ChaosPoint[] = [
  { name: 'accept-lesson', tell, is: commitOf('worker', /insert into memory_lessons/) },
  { name: 'start-lesson', tell, is: temporalCall('worker', 'StartWorkflowExecution') },
  { name: 'begin-lesson', tell, is: commitOf('worker', /update memory_lessons set state = 'running'/) },
  { name: 'book-call', tell, is: commitOf('worker', /insert into usage_metrics/) },
  { name: 'call-to-find', tell, is: chatCall },
  { name: 'keep-found', tell, is: commitOf('worker', /update memory_lessons set found/) },
  { name: 'report-found', tell, is: reports },
  { name: 'call-to-compare', tell, is: chatCall, nth: 2 },
  { name: 'write-memory', tell, is: commitOf('worker', /insert into memory_versions/) },
  { name: 'report-learned', tell, is: reports, nth: 2 },
  { name: 'call-to-condense', tell: tellCondensing, is: chatCall },
  { name: 'write-condensed', tell: tellCondensing, is: commitOf('worker', /insert into memory_versions/) },
];
