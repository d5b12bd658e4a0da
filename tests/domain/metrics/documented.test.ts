import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { metricCatalog } from '../../../domain/metrics/metric-catalog.ts';

test('docs/metrics.md has a row for each metric, with its parameters', async () => {
  const text = await readFile(path.resolve(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
  const rows = new Map(
    text.split('\n').flatMap((line) => (line.startsWith('| `') ? [[line.split('`')[1]!, line]] : [])),
  );
  const missing = metricCatalog.flatMap(({ name, parameters }) => {
    const row = rows.get(name);
    if (row === undefined) return [name];
    return Object.keys(parameters).flatMap((parameter) =>
      row.includes(`\`${parameter}\``) ? [] : [`${name} ${parameter}`],
    );
  });
  expect(missing).toEqual([]);
});
