import type { ChaosPoint } from './chaos-point.ts';
import { chatCall, commitOf, effectOn, statementOf, temporalCall } from './message-patterns.ts';
import { TurnStory } from './turn-story.ts';

const tell: ChaosPoint['tell'] = (stack, word, random) => new TurnStory(stack, word, random);

const reports = temporalCall('worker', 'RespondActivityTaskCompleted');
const appends = statementOf('worker', /append_turn_events/);
const startsCall = commitOf('worker', /set state = 'executing'/);
const endsCall = commitOf('worker', /update tool_calls set state = \$2, result = \$3/);

/**
 * Every effect of a turn that calls three tools, one of which waits for a person, in the order in which they happen: the
 * question, the first call of the model, the tools, the approval and its tool, the second call of the model, the answer.
 */
export const turnPoints: readonly ChaosPoint[] = [
  { name: 'ask', tell, is: commitOf('api', /insert into turns/) },
  { name: 'start-turn', tell, is: temporalCall('api', 'ExecuteMultiOperation') },
  { name: 'begin-step', tell, is: commitOf('worker', /insert into turn_steps/) },
  { name: 'call-model', tell, is: chatCall },
  { name: 'propose-calls', tell, is: commitOf('worker', /insert into tool_calls/) },
  { name: 'report-step', tell, is: reports },
  { name: 'start-call', tell, is: startsCall },
  { name: 'read', tell, is: effectOn('/stock') },
  { name: 'write-repeatable', tell, is: effectOn('/repeatable/booking') },
  { name: 'record-result', tell, is: endsCall },
  { name: 'record-later-result', tell, is: endsCall, nth: 2 },
  { name: 'report-call', tell, is: reports, nth: 2 },
  { name: 'approve', tell, is: commitOf('api', /update approvals set state/) },
  { name: 'wake-turn', tell, is: temporalCall('api', 'ExecuteMultiOperation'), nth: 2 },
  { name: 'start-approved', tell, is: startsCall, nth: 3 },
  { name: 'write-once', tell, is: effectOn('/payment') },
  { name: 'record-approved', tell, is: endsCall, nth: 3 },
  { name: 'begin-answer', tell, is: commitOf('worker', /insert into turn_steps/), nth: 2 },
  { name: 'call-model-again', tell, is: chatCall, nth: 2 },
  { name: 'append-text', tell, is: appends },
  { name: 'append-later-text', tell, is: appends, nth: 3 },
  { name: 'commit-answer', tell, is: commitOf('worker', /insert into messages/) },
  { name: 'report-answer', tell, is: temporalCall('worker', 'RespondActivityTaskCompleted'), nth: 5 },
];
