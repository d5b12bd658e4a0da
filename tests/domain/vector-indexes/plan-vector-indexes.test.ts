import { expect, test } from '@jest/globals';
import {
  defaultVectorIndex,
  listsFor,
  planVectorIndexes,
  type BuiltVectorIndex,
  type VectorIndexSettings,
} from '../../../domain/vector-indexes/plan-vector-indexes.ts';

const partition = 'p';

/** Follows the plan to its end and returns the steps. */
function settle(settings: VectorIndexSettings, rows: number, built: BuiltVectorIndex[], isLoading = false) {
  const steps: string[] = [];
  for (;;) {
    const { next, waitsForRows } = planVectorIndexes(settings, { partition, rows, dimensions: 384, isLoading }, built);
    if (!next) return { steps, waitsForRows, built };
    if (next.action === 'build') {
      steps.push(`+${next.index.name}`);
      built = [...built, { ...next.index, isValid: true }];
    } else {
      steps.push(`-${next.name}`);
      built = built.filter(({ name }) => name !== next.name);
    }
    expect(steps.length).toBeLessThan(20);
  }
}

const registered: BuiltVectorIndex = {
  name: 'p_hnsw',
  kind: 'hnsw',
  metric: 'cosine',
  isValid: true,
  parameters: { m: 16, ef_construction: 64 },
};

test('what was registered is what is wanted by default', () => {
  expect(settle(defaultVectorIndex, 0, [registered])).toMatchObject({ steps: [] });
});

test('few rows get no HNSW index, rows that pour in get it later, and what there is stays', () => {
  const least = Math.ceil(5_000_000 / 384);
  expect(settle(defaultVectorIndex, least - 1, [])).toMatchObject({ steps: [], waitsForRows: least });
  expect(settle(defaultVectorIndex, least, [])).toMatchObject({ steps: ['+p_cos_h16_64'], waitsForRows: null });
  expect(settle(defaultVectorIndex, least, [], true)).toMatchObject({ steps: [], waitsForRows: 31_250 });
  expect(settle(defaultVectorIndex, 31_250, [], true)).toMatchObject({ steps: ['+p_cos_h16_64'] });
  expect(settle({ ...defaultVectorIndex, min_rows: 10 }, 10, [])).toMatchObject({ steps: ['+p_cos_h16_64'] });
  expect(settle(defaultVectorIndex, 10, [{ ...registered, isValid: false }])).toMatchObject({ steps: ['-p_hnsw'] });
});

test('long vectors, which are stored out of line, get their index at fewer numbers', () => {
  const waitsFor = (dimensions: number, isLoading = false) =>
    planVectorIndexes(defaultVectorIndex, { partition, rows: 0, dimensions, isLoading }, []).waitsForRows;
  expect([384, 768, 1536, 3072].map((dimensions) => waitsFor(dimensions))).toEqual([13_021, 2605, 1303, 652]);
  expect(waitsFor(1536, true)).toBe(3125);
});

test('another kind is built before the old one is dropped, and each metric has its own', () => {
  const settings = { ...defaultVectorIndex, kind: 'ivfflat' as const, metrics: ['cosine', 'l2'] as const };
  expect(settle(settings, 100_000, [registered]).steps).toEqual(['+p_cos_i100', '+p_l2_i100', '-p_hnsw']);
});

test('an IVFFlat index waits for rows, and what there is serves until then', () => {
  const settings = { ...defaultVectorIndex, kind: 'ivfflat' as const };
  expect(settle(settings, 1999, [registered])).toMatchObject({ steps: [], waitsForRows: 2000 });
  expect(settle(settings, 2000, [registered])).toMatchObject({ steps: ['+p_cos_i16', '-p_hnsw'], waitsForRows: null });
});

test('lists follow the rows, and the index is built anew only when they have doubled or halved', () => {
  const settings = { ...defaultVectorIndex, kind: 'ivfflat' as const };
  let { built } = settle(settings, 100_000, []);
  expect(built.map(({ name }) => name)).toEqual(['p_cos_i100']);
  for (const rows of [60_000, 150_000, 199_000]) expect(settle(settings, rows, built).steps).toEqual([]);
  ({ built } = settle(settings, 200_000, built));
  expect(built.map(({ name }) => name)).toEqual(['p_cos_i200']);
  expect(settle(settings, 90_000, built).steps).toEqual(['+p_cos_i90', '-p_cos_i200']);
  expect(settle(settings, 10, built).steps).toEqual([]);
  expect(listsFor(4_000_000)).toBe(2000);
});

test('an index that was not finished goes first, whatever is wanted', () => {
  const broken = { ...registered, name: 'p_cos_h16_64', isValid: false };
  expect(settle(defaultVectorIndex, 20_000, [broken]).steps).toEqual(['-p_cos_h16_64', '+p_cos_h16_64']);
});

test('other parameters and metrics that are no longer wanted', () => {
  const settings = { ...defaultVectorIndex, m: 32, metrics: ['inner_product'] as const };
  expect(settle(settings, 20_000, [registered]).steps).toEqual(['+p_ip_h32_64', '-p_hnsw']);
  const given = { ...defaultVectorIndex, kind: 'ivfflat' as const, lists: 4 };
  expect(settle(given, 3, [])).toMatchObject({ steps: [], waitsForRows: 4 });
  expect(settle(given, 4, []).steps).toEqual(['+p_cos_i4']);
});
