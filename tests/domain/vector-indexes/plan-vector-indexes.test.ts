import { describe, expect, test } from '@jest/globals';
import {
  defaultVectorIndex,
  listsFor,
  planVectorIndexes,
  type BuiltVectorIndex,
  type IndexedVectors,
  type VectorIndexSettings,
} from '../../../domain/vector-indexes/plan-vector-indexes.ts';
import { chainOf } from '../../../domain/vector-indexes/vector-segments.ts';

const partition = 'p';

/** Ordinals count from 1 on, and no row was deleted: `rows` are those below the next one. */
function vectorsOf(rows: number, arrivingRows = 0, dimensions = 384): IndexedVectors {
  return { partition, rows, dimensions, arrivingRows, nextOrdinal: rows + 1 };
}

/** Follows the plan to its end and returns the steps. */
function settle(settings: VectorIndexSettings, rows: number, found: readonly BuiltVectorIndex[], arrivingRows = 0) {
  const steps: string[] = [];
  const rowsAfter = (to: number | null) => (to === null ? 0 : rows + 1 - to);
  let built = found.map((index) => ({ ...index, rowsAfter: rowsAfter(index.to) }));
  for (;;) {
    const { next, waitsForRows } = planVectorIndexes(settings, vectorsOf(rows, arrivingRows), built);
    if (!next) return { steps, waitsForRows, built };
    if (next.action === 'build') {
      const { from, to, name } = next.index;
      steps.push(`+${name}`);
      const held = (to ?? rows + 1) - (from ?? 1);
      built = [...built, { ...next.index, isValid: true, rows: held, rowsAfter: rowsAfter(to) }];
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
  from: null,
  to: null,
  rows: 20_000,
  rowsAfter: 0,
};

test('what was registered is what is wanted by default', () => {
  expect(settle(defaultVectorIndex, 0, [registered])).toMatchObject({ steps: [] });
});

test('few rows get no HNSW index, rows that pour in get it later, and what there is stays', () => {
  const least = Math.ceil(5_000_000 / 384);
  expect(settle(defaultVectorIndex, least - 1, [])).toMatchObject({ steps: [], waitsForRows: least });
  const segmentOf = (rows: number) => `p_cos_s${(rows + 1).toString(36)}`;
  expect(settle(defaultVectorIndex, least, [])).toMatchObject({ steps: [`+${segmentOf(least)}`], waitsForRows: null });
  expect(settle(defaultVectorIndex, least, [], 5000)).toMatchObject({ steps: [], waitsForRows: 31_250 });
  expect(settle(defaultVectorIndex, 31_250, [], 7000)).toMatchObject({ steps: [`+${segmentOf(31_250)}`] });
  expect(settle({ ...defaultVectorIndex, min_rows: 10 }, 10, [])).toMatchObject({ steps: [`+${segmentOf(10)}`] });
  expect(settle(defaultVectorIndex, 10, [{ ...registered, isValid: false }])).toMatchObject({ steps: ['-p_hnsw'] });
});

test('long vectors, which are stored out of line, get their index at fewer numbers', () => {
  const waitsFor = (dimensions: number, arriving = 0) =>
    planVectorIndexes(defaultVectorIndex, vectorsOf(0, arriving, dimensions), []).waitsForRows;
  expect([384, 768, 1536, 3072].map((dimensions) => waitsFor(dimensions))).toEqual([13_021, 2605, 1303, 652]);
  expect(waitsFor(1536, 1000)).toBe(3125);
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
  const broken = { ...registered, name: 'p_cos_sffl', isValid: false };
  expect(settle(defaultVectorIndex, 20_000, [broken]).steps).toEqual(['-p_cos_sffl', '+p_cos_sffl']);
});

test('other parameters and metrics that are no longer wanted', () => {
  const settings = { ...defaultVectorIndex, m: 32, metrics: ['inner_product'] as const };
  expect(settle(settings, 20_000, [registered]).steps).toEqual(['+p_ip_sffl', '-p_hnsw']);
  const given = { ...defaultVectorIndex, kind: 'ivfflat' as const, lists: 4 };
  expect(settle(given, 3, [])).toMatchObject({ steps: [], waitsForRows: 4 });
  expect(settle(given, 4, []).steps).toEqual(['+p_cos_i4']);
});

describe('young rows', () => {
  const grown = (sizes: readonly number[], arrivingRows = 0) => {
    const { steps, built } = sizes.reduce(
      (before, rows) => {
        const after = settle(defaultVectorIndex, rows, before.built, arrivingRows);
        return { built: after.built, steps: [...before.steps, ...after.steps] };
      },
      { built: [] as BuiltVectorIndex[], steps: [] as string[] },
    );
    return { steps, sizes: chainOf(built).map((segment) => segment.rows), built };
  };
  const enough = Math.ceil(2_500_000 / 384);

  test('get a segment once they are many; the index that is there is not touched', () => {
    expect(grown([60_000, 60_000 + enough - 1]).sizes).toEqual([60_000]);
    const { sizes, steps } = grown([60_000, 60_000 + enough]);
    expect(sizes).toEqual([60_000, enough]);
    expect(steps).toHaveLength(2);
  });

  test('wait for more where more are on their way, and get one for all of them', () => {
    expect(grown([60_000, 60_000 + enough], 2000).sizes).toEqual([60_000]);
    expect(grown([60_000, 75_625], 4000).sizes).toEqual([60_000, 15_625]);
  });

  test('take in older segments that are at most twice as large, so that few stay and each row is seldom built anew', () => {
    const at = (segments: number) => grown(Array.from({ length: segments }, (_, n) => 13_021 + n * enough));
    expect(at(2).sizes).toEqual([13_021 + enough]);
    expect(at(3).sizes).toEqual([13_021 + enough, enough]);
    expect(at(4).sizes).toEqual([13_021 + 3 * enough]);
    for (const segments of [5, 6, 7, 10, 15]) expect(at(segments).sizes.length).toBeLessThanOrEqual(3);
    const builds = at(15).steps.filter((step) => step.startsWith('+'));
    expect(builds).toHaveLength(15);
  });

  test('a segment that another one contains is dropped; after a gap nothing counts as indexed', () => {
    const segment = (from: number | null, to: number | null, rows: number): BuiltVectorIndex => ({
      ...registered,
      name: `p_${from}_${to}`,
      ...{ from, to, rows },
    });
    const crashed = [segment(null, 40_001, 40_000), segment(40_001, 50_001, 10_000), segment(40_001, 60_001, 20_000)];
    expect(settle(defaultVectorIndex, 60_000, crashed).steps).toEqual(['-p_40001_50001']);
    const gap = [segment(null, 60_001, 60_000), segment(70_001, 80_001, 10_000)];
    const steps = [`+p_cos_s${(80_001).toString(36)}`, '-p_70001_80001'];
    expect(settle(defaultVectorIndex, 80_000, gap).steps).toEqual(steps);
  });

  test('are none beside an index of all, which is replaced when its parameters change', () => {
    expect(settle(defaultVectorIndex, 90_000, [registered]).steps).toEqual([]);
    const { steps, built } = settle({ ...defaultVectorIndex, m: 24 }, 90_000, [registered]);
    expect(steps).toEqual([`+p_cos_s${(90_001).toString(36)}`, '-p_hnsw']);
    expect(built).toMatchObject([{ from: null, to: 90_001 }]);
    const again = settle({ ...defaultVectorIndex, m: 8 }, 90_000, built);
    expect(again.steps).toEqual([`+${built[0]!.name}x`, `-${built[0]!.name}`]);
  });
});
