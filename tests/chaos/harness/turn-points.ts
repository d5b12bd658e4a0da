import type { ChaosPoint } from './chaos-point.ts';
import { chatCall, commitOf, effectOn, statementOf, temporalCall } from './message-patterns.ts';
import type { MessagePattern } from './message-patterns.ts';
import { turnNewsChannel } from '../../../contracts/names/turn-news.ts';
import { TurnStory } from './turn-story.ts';

const tell: ChaosPoint['tell'] = (stack, word) => new TurnStory(stack, 'tools', word);
const tellReads: ChaosPoint['tell'] = (stack, word) => new TurnStory(stack, 'reads', word);
const tellPlain: ChaosPoint['tell'] = (stack, word) => new TurnStory(stack, 'plain', word);
const tellAgain: ChaosPoint['tell'] = (stack, word) => new TurnStory(stack, 'plain', word, 'regenerate');
const tellRetried: ChaosPoint['tell'] = (stack, word) => new TurnStory(stack, 'plain', word, 'retry');

const reports = temporalCall('worker', 'RespondActivityTaskCompleted');
const appends = statementOf('worker', /append_turn_events/);
const startsCall = commitOf('worker', /set state = 'executing'/);
const endsCall = commitOf('worker', /update tool_calls set state = \$2, result = \$3/);

const announces: MessagePattern = (sighting) =>
  statementOf('api', /pg_notify/)(sighting) && sighting.mentions(turnNewsChannel);
const beginsEarly: MessagePattern = (sighting) =>
  commitOf('worker', /insert into turn_steps/)(sighting) && sighting.mentions('early');

/**
 * Every effect of a turn that calls three tools, one of which waits for a person, in the order in which they happen: the
 * question, the first call of the model, the tools, the approval and its tool, the second call of the model, the answer.
 * Then those of a turn that a worker begins to answer before its conversation hears of it, whose step adopts the answer; and
 * of one whose tool only reads, so that it is run before that too. At last those of a turn that answers a question once more,
 * and of one that is tried again after it was cancelled: both begin early too.
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
  { name: 'announce-turn', tell: tellPlain, is: announces },
  { name: 'begin-early', tell: tellPlain, is: beginsEarly },
  { name: 'call-model-early', tell: tellPlain, is: chatCall },
  { name: 'append-early-text', tell: tellPlain, is: appends, nth: 2 },
  { name: 'bring-turn', tell: tellPlain, is: temporalCall('api', 'ExecuteMultiOperation') },
  { name: 'schedule-step', tell: tellPlain, is: temporalCall('worker', 'RespondWorkflowTaskCompleted') },
  { name: 'note-adoption', tell: tellPlain, is: statementOf('worker', /update turns t set run_id = g\.run_id/) },
  { name: 'append-adopted-text', tell: tellPlain, is: appends, nth: 30 },
  { name: 'commit-adopted', tell: tellPlain, is: commitOf('worker', /insert into messages/) },
  { name: 'report-adopted', tell: tellPlain, is: reports },
  { name: 'propose-read', tell: tellReads, is: commitOf('worker', /insert into tool_calls/) },
  { name: 'start-read', tell: tellReads, is: startsCall },
  { name: 'read-early', tell: tellReads, is: effectOn('/stock') },
  { name: 'record-read', tell: tellReads, is: endsCall },
  { name: 'begin-answer-early', tell: tellReads, is: commitOf('worker', /insert into turn_steps/), nth: 2 },
  { name: 'call-model-again-early', tell: tellReads, is: chatCall, nth: 2 },
  ...[
    { of: 'regenerated', tell: tellAgain },
    { of: 'retried', tell: tellRetried },
  ].flatMap(({ of, tell: tellIt }): ChaosPoint[] => [
    { name: `ask-${of}`, tell: tellIt, is: commitOf('api', /insert into turns/) },
    { name: `begin-${of}`, tell: tellIt, is: beginsEarly },
    { name: `call-model-${of}`, tell: tellIt, is: chatCall },
    { name: `append-${of}-text`, tell: tellIt, is: appends, nth: 2 },
    { name: `bring-${of}`, tell: tellIt, is: temporalCall('api', 'ExecuteMultiOperation') },
    { name: `commit-${of}`, tell: tellIt, is: commitOf('worker', /insert into messages/) },
  ]),
];
