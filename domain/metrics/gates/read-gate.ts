import { findMistake } from '../value-schema.ts';
import type { ValueSchema } from '../value-schema.ts';
import type { Gate } from './gate.ts';

/** The schema of a gate as an object. */
export const gateSchema: ValueSchema = {
  type: 'object',
  properties: {
    metric: { type: 'string', minLength: 1 },
    statistic: { type: 'string', enum: ['mean', 'median', 'p95', 'min', 'max'] },
    variant: { type: 'integer', minimum: 0 },
    min: { type: 'number' },
    max: { type: 'number' },
    no_regression_beyond: { type: 'number', minimum: 0 },
    max_unscored_share: { type: 'number', minimum: 0, maximum: 1 },
  },
  required: ['metric'],
  additionalProperties: false,
};

const number = '-?\\d+(?:\\.\\d+)?(?:e-?\\d+)?';
const threshold = new RegExp(`^(?:(mean|median|p95|min|max)\\((.+)\\)|(.+?))\\s*(>=|<=)\\s*(${number})$`, 'i');
const regression = new RegExp(`^(.+?)\\s+no_regression_beyond\\s+(${number})$`, 'i');
const option = new RegExp(`^(.*\\S)\\s+(variant|unscored)\\s*(?:=|<=)\\s*(${number})$`, 'i');

const grammar =
  'write it as faithfulness>=0.8, p95(latency_ms)<=2000 or recall@5 no_regression_beyond 0.02, with variant=1 or ' +
  'unscored<=0.05 behind it if wished';

/** Reads a gate from its text or its object; or says what is wrong with it. */
export function readGate(given: unknown): { readonly gate: Gate } | { readonly mistakes: readonly string[] } {
  const gate = typeof given === 'string' ? parse(given.trim()) : given;
  if (typeof given === 'string' && gate === null) {
    return { mistakes: [`The gate "${given}" cannot be read: ${grammar}.`] };
  }
  const mistake = findMistake(gateSchema, gate, 'the gate');
  if (mistake !== null) return { mistakes: [`${mistake}.`] };
  const read = gate as Gate;
  if (read.min === undefined && read.max === undefined && read.no_regression_beyond === undefined) {
    return { mistakes: [`The gate on ${read.metric} has no condition: give min, max or no_regression_beyond.`] };
  }
  return { gate: read };
}

function parse(text: string): Record<string, unknown> | null {
  const [, rest, name, value] = option.exec(text) ?? [];
  if (rest !== undefined) {
    const gate = parse(rest);
    const key = name!.toLowerCase() === 'variant' ? 'variant' : 'max_unscored_share';
    return gate === null ? null : { ...gate, [key]: Number(value) };
  }
  const [, metric, beyond] = regression.exec(text) ?? [];
  if (metric !== undefined) return { metric, no_regression_beyond: Number(beyond) };
  const [, statistic, inside, bare, sign, bound] = threshold.exec(text) ?? [];
  if (sign === undefined) return null;
  return {
    metric: (inside ?? bare)!.trim(),
    ...(statistic !== undefined && { statistic: statistic.toLowerCase() }),
    [sign === '>=' ? 'min' : 'max']: Number(bound),
  };
}
