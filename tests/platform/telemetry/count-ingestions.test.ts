import { expect, test } from '@jest/globals';
import { countIngestions } from '../../../platform/telemetry/count-ingestions.ts';
import type { Metrics } from '../../../platform/telemetry/metrics.ts';

test('every way in which a document is ended is counted, with its chunks', async () => {
  const counted: Record<string, number> = {};
  const add = (name: string, by: number) => (counted[name] = (counted[name] ?? 0) + by);
  const metrics = {
    documentFinished: (outcome: string) => add(outcome, 1),
    chunksEmbedded: (count: number) => add('chunks', count),
  } as unknown as Metrics;
  const steps = countIngestions(
    {
      prepareDocument: async (state: string) => ({ state, chunks: 3 }),
      ingestSmall: async () => ({ active: 2, chunks: 40 }),
      embedChunks: async () => ({ embedded: 500 }),
      publishGeneration: async () => ({ state: 'active' }),
      failGeneration: async () => ({ state: 'failed' }),
    },
    metrics,
  );
  await steps.prepareDocument('staging');
  expect(counted).toEqual({});
  await steps.prepareDocument('active');
  await steps.ingestSmall();
  await steps.embedChunks();
  await steps.publishGeneration();
  expect(counted).toEqual({ active: 4, chunks: 543 });
});
