import { describe, expect, test } from '@jest/globals';
import { compareIndexes } from '../../../domain/vector-indexes/compare-indexes.ts';
import { decideMaintenance } from '../../../domain/vector-indexes/decide-maintenance.ts';
import { expectedIndexBytes } from '../../../domain/vector-indexes/expected-index-bytes.ts';
import type { IndexHealth, MeasuredIndex } from '../../../domain/vector-indexes/index-health.ts';
import { percentileOf } from '../../../domain/vector-indexes/percentile-of.ts';
import { recallOf } from '../../../domain/vector-indexes/recall-of.ts';

const healthy: IndexHealth = {
  recall: { stored: 0.99, queries: 0.98 },
  p50Ms: 1.5,
  p95Ms: 3,
  bytes: 204_800_000,
  kind: 'hnsw',
  rows: 100_000,
  deadRows: 0,
  changedRows: 0,
  expectedBytes: 204_800_000,
  breadth: 200,
  broader: [],
  roomBytes: null,
  isLoading: false,
  wasRebuiltInVain: false,
};
const poor = { stored: 0.97, queries: 0.8 };

describe('R21 what is done about an index follows from what was measured', () => {
  test.each<[string, Partial<IndexHealth>, string, RegExp]>([
    ['a healthy one', {}, 'nothing', /^Healthy: 0\.0 % of the rows are dead, recall@10 is 0\.980/],
    ['dead rows of which there are many', { deadRows: 60_000 }, 'reindex', /dead rows.*37\.5 %/],
    ['some dead rows', { deadRows: 5000 }, 'vacuum', /4\.8 %/],
    ['one that is much larger than a new one', { bytes: 330_000_000 }, 'reindex', /1\.6 times as large/],
    ['dead rows that hide others', { deadRows: 5000, recall: poor }, 'reindex', /Dead rows keep/],
    ['statistics that were never made', { changedRows: null }, 'analyze', /statistics/],
    ['statistics of long ago', { changedRows: 11_000 }, 'analyze', /statistics/],
    ['dead rows of an IVFFlat index', { kind: 'ivfflat', expectedBytes: null, deadRows: 60_000 }, 'vacuum', /37\.5 %/],
    ['dead rows while many more come', { deadRows: 60_000, isLoading: true }, 'nothing', /on their way/],
    [
      'dead rows without room for another',
      { deadRows: 60_000, roomBytes: 3e8 },
      'vacuum',
      /room for 300\.0 MB.*409\.6/,
    ],
    ['dead rows with room for another', { deadRows: 60_000, roomBytes: 5e8 }, 'reindex', /dead rows/],
    ['dead rows where a new one was worse', { deadRows: 60_000, wasRebuiltInVain: true }, 'vacuum', /no improvement/],
    ['size where a new one was worse', { bytes: 330_000_000, wasRebuiltInVain: true }, 'nothing', /no improvement/],
    ['recall that nothing mends', { recall: poor, broader: [{ breadth: 400, recall: 0.8 }] }, 'nothing', /larger m/],
    ['nothing that could be asked', { recall: { stored: null, queries: null } }, 'nothing', /Healthy/],
  ])('%s', (_case, measured, action, reason) => {
    const decision = decideMaintenance({ ...healthy, ...measured });
    expect(decision.action).toBe(action);
    expect(decision.reason).toMatch(reason);
  });

  test('recall below the goal in a graph without dead rows: the least breadth that reaches it, or the best there is', () => {
    const broader = [
      { breadth: 400, recall: 0.9 },
      { breadth: 800, recall: 0.96 },
    ];
    expect(decideMaintenance({ ...healthy, recall: poor, broader })).toMatchObject({
      action: 'raise_ef_search',
      breadth: 800,
    });
    expect(decideMaintenance({ ...healthy, recall: poor, broader: broader.slice(0, 1) })).toMatchObject({
      action: 'raise_ef_search',
      breadth: 400,
    });
  });
});

test('R21 a new index takes the place of the old one only if it finds as much and is no larger', () => {
  const before: MeasuredIndex = { recall: { stored: 0.9, queries: 0.95 }, p50Ms: 1, p95Ms: 2, bytes: 1000 };
  const compare = (after: Partial<MeasuredIndex>) => compareIndexes(before, { ...before, ...after });
  expect(compare({ bytes: 600 })).toMatchObject({ isKept: true });
  expect(compare({ recall: { stored: 0.87, queries: 1 } })).toMatchObject({
    isKept: false,
    reason: expect.stringContaining('finds less'),
  });
  expect(compare({ bytes: 1100 })).toMatchObject({ isKept: false, reason: expect.stringContaining('larger') });
});

test('recall is judged by distance, so that any of several vectors at the same distance will do', () => {
  expect(recallOf([0.3, 0.1, 0.2, 0.2], [0.1, 0.2, 0.2, 0.3], 3)).toBe(1);
  expect(recallOf([0.1, 0.3], [0.1, 0.2], 2)).toBe(0.5);
  expect(recallOf([0.2, 0.2, 0.2], [0.1, 0.2], 2)).toBe(1);
  expect(recallOf([1], [], 10)).toBe(null);
});

test('percentiles lie between the values', () => {
  expect(percentileOf([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(percentileOf([1, 2], 0.95)).toBeCloseTo(1.95);
  expect(percentileOf([], 0.5)).toBe(0);
});

test('the size of a new index follows from the pages that its vectors fill', () => {
  // Four elements of 384 dimensions fit on a page with their neighbours; one of 1,536; of 2,000 without them.
  expect(expectedIndexBytes({ rows: 100_000, dimensions: 384, m: 16 }) / 8192).toBeCloseTo(25_001, 0);
  expect(expectedIndexBytes({ rows: 1000, dimensions: 1536, m: 16 }) / 8192).toBeCloseTo(1001, 0);
  expect(expectedIndexBytes({ rows: 1000, dimensions: 2000, m: 16 }) / 8192).toBeGreaterThan(1001);
});
