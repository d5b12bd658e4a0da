import { metricCatalog } from './metric-catalog.ts';
import type { Metric, MetricChoice } from './metric.ts';
import { findMistake, isObject } from './value-schema.ts';

/** A metric as a request names it: its name, or name, parameters and a label for its results. */
export type MetricRequestChoice =
  | string
  | { readonly name: string; readonly parameters?: Readonly<Record<string, unknown>>; readonly label?: string };

/** Reads which metric is meant, `recall@5` as `recall@k` with k = 5, and fills in defaults; or says what is wrong with it. */
export function readMetricChoice(
  chosen: MetricRequestChoice,
): { readonly choice: MetricChoice } | { readonly mistakes: readonly string[] } {
  const { name, parameters = {}, label } = typeof chosen === 'string' ? { name: chosen } : chosen;
  const [, base, depth] = /^([a-z_]+)@(\d+)$/.exec(name) ?? [null, name, null];
  const metric = findMetric(base, depth !== null);
  if (metric === null) return { mistakes: [explainUnknown(name)] };
  const { required, parameters: properties } = metric;
  const defaults = Object.entries(properties).flatMap(([key, schema]) =>
    schema.default === undefined ? [] : [[key, schema.default] as const],
  );
  const filled = {
    ...Object.fromEntries(defaults),
    ...(isObject(parameters) ? parameters : {}),
    ...(depth !== null && { k: Number(depth) }),
  };
  const schema = { type: 'object', properties, required, additionalProperties: false } as const;
  const mistake = isObject(parameters) ? findMistake(schema, filled) : 'the parameters must be an object';
  if (mistake !== null) return { mistakes: [`${name}: ${mistake}.`] };
  const own = name.endsWith('@k') ? name.replace('@k', `@${String(filled['k'])}`) : name;
  return { choice: { label: label ?? own, metric, parameters: filled } };
}

function findMetric(name: string, hasDepth: boolean): Metric | null {
  const named = (wanted: string) => metricCatalog.find((each) => each.name === wanted);
  if (!hasDepth) return named(name) ?? null;
  const metric = named(`${name}@k`) ?? named(name);
  return metric !== undefined && Object.hasOwn(metric.parameters, 'k') ? metric : null;
}

function explainUnknown(name: string): string {
  if (metricCatalog.some((each) => each.name === `${name}@k`)) {
    return `${name} needs a depth: write ${name}@5, or another number of places.`;
  }
  return `There is no metric "${name}". There are ${metricCatalog.map((each) => each.name).join(', ')}.`;
}
