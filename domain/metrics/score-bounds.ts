import type { MetricParameters } from './metric.ts';
import type { ValueSchema } from './value-schema.ts';

/** The schema of a parameter that holds the least and the greatest score. */
export function boundsSchema(
  type: 'number' | 'integer',
  bounds: { readonly default: readonly [number, number]; readonly description: string },
): ValueSchema {
  return { type: 'array', items: { type }, minItems: 2, maxItems: 2, ...bounds };
}

/** The least and the greatest score that a parameter names, in whichever order. */
export function boundsOf(parameters: MetricParameters, name: string): [least: number, greatest: number] {
  const [one, other] = parameters[name] as readonly [number, number];
  return [Math.min(one, other), Math.max(one, other)];
}
