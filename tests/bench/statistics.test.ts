import { expect, test } from '@jest/globals';
import { renderTable } from '../../bench/harness/render-table.ts';
import { Results } from '../../bench/harness/results.ts';
import { median, percentile } from '../../bench/harness/statistics.ts';

test('percentiles lie between the values, in whatever order they come', () => {
  const values = [40, 10, 30, 20];
  expect(median(values)).toBe(25);
  expect(percentile(values, 0)).toBe(10);
  expect(percentile(values, 1)).toBe(40);
  expect(percentile(values, 0.95)).toBeCloseTo(38.5, 9);
  expect(values).toEqual([40, 10, 30, 20]);
  expect(() => percentile([], 0.5)).toThrow('no values');
});

test('a metric of several rounds is its median, and shows how far the rounds lay apart', () => {
  const results = new Results();
  for (const value of [3, 1, 2]) results.record('p50_ms', value);
  results.record('recall10', 0.98765432);
  expect(results.list()[0]).toEqual({ metric: 'p50_ms', median: 2, least: 1, most: 3, rounds: 3 });
  expect(results.metrics()).toEqual({ p50_ms: 2, recall10: 0.98765 });
  expect(() => results.record('ratio', 1 / 0)).toThrow('ratio');
  expect(renderTable(results.list()).split('\n')).toHaveLength(4);
});
