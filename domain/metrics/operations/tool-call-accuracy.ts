import { canonicalJson } from '../../turns/canonical-json.ts';
import { computedJudge } from '../computed-judge.ts';
import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric, ObservedToolCall } from '../metric.ts';
import { isObject } from '../value-schema.ts';

/**
 * 0 unless the names of the calls are those that were expected, in order (or, with `order` any, in any order); then the
 * mean over the expected calls of the share of expected arguments that have the expected value. Further arguments cost
 * nothing. No call where none is expected is 1. Values are compared as JSON, where ragas compares their text.
 */
export const toolCallAccuracy: Metric = {
  name: 'tool_call_accuracy',
  title: 'Tool-call accuracy',
  kind: 'operations',
  range: unitRange,
  higherIsBetter,
  needs: ['expectedToolCalls'],
  parameters: {
    order: { type: 'string', enum: ['strict', 'any'], default: 'strict', description: 'Whether their order counts.' },
  },
  required: [],
  source: 'ragas 0.4, ToolCallAccuracy',
  judge: computedJudge((input, parameters) => {
    const isStrict = parameters['order'] !== 'any';
    const made = isStrict ? input.toolCalls : sortCalls(input.toolCalls);
    const expected = isStrict ? input.expectedToolCalls! : sortCalls(input.expectedToolCalls!);
    const names = (calls: readonly ObservedToolCall[]) => calls.map(({ name }) => name);
    if (canonicalJson(names(made)) !== canonicalJson(names(expected))) {
      const reason = `Expected ${names(expected).join(', ') || 'no call'}; called ${names(made).join(', ') || 'none'}.`;
      return { state: 'scored', score: 0, reason };
    }
    if (expected.length === 0) return { state: 'scored', score: 1 };
    const shares = expected.map((call, index) => compareArguments(made[index]!.arguments, call.arguments));
    const score = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return { state: 'scored', score, details: { calls: names(expected), argument_shares: shares } };
  }),
};

function compareArguments(made: unknown, expected: unknown): number {
  if (!isObject(expected) || !isObject(made)) return canonicalJson(made) === canonicalJson(expected) ? 1 : 0;
  const wanted = Object.entries(expected);
  if (wanted.length === 0) return Object.keys(made).length === 0 ? 1 : 0;
  const right = wanted.filter(
    ([name, value]) => Object.hasOwn(made, name) && canonicalJson(made[name]) === canonicalJson(value),
  );
  return right.length / wanted.length;
}

function sortCalls(calls: readonly ObservedToolCall[]): ObservedToolCall[] {
  const keyed = calls.map((call) => ({ call, key: `${call.name} ${canonicalJson(call.arguments) ?? ''}` }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ call }) => call);
}
