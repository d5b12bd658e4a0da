import { beginningOfSegment, chainOf, type SegmentBounds } from './vector-segments.ts';

/** How two vectors are compared. */
export type VectorMetric = 'cosine' | 'l2' | 'inner_product';

/**
 * What indexes the vectors of a model shall have: one for each metric. `lists` null follows the number of rows, `min_rows`
 * null what is cheaper.
 */
export type VectorIndexSettings = {
  kind: 'hnsw' | 'ivfflat';
  metrics: readonly VectorMetric[];
  m: number;
  ef_construction: number;
  lists: number | null;
  /** Below so many rows an HNSW index is not built: all are compared. */
  min_rows: number | null;
  /** Searches look through so many candidates at least; null leaves it to the search. */
  ef_search: number | null;
};

/** What a model has when nothing was said. */
export const defaultVectorIndex: VectorIndexSettings = {
  kind: 'hnsw',
  metrics: ['cosine'],
  m: 16,
  ef_construction: 64,
  lists: null,
  min_rows: null,
  ef_search: null,
};

/** An index as the database's catalogue shows it; one that was not finished is not valid. */
export type BuiltVectorIndex = SegmentBounds & {
  name: string;
  kind: VectorIndexSettings['kind'];
  metric: VectorMetric;
  isValid: boolean;
  parameters: Readonly<Record<string, number>>;
  /** Rows that it holds, about. */
  rows: number;
  /** Rows that came after its end, counted as far as it matters. */
  rowsAfter: number;
};

/** An index to build. */
export type VectorIndexToBuild = SegmentBounds & Pick<BuiltVectorIndex, 'name' | 'kind' | 'metric' | 'parameters'>;

/** A model's vectors as the database has them. */
export type IndexedVectors = {
  partition: string;
  rows: number;
  dimensions: number;
  /** Rows that documents under way will have. */
  arrivingRows: number;
  /** The ordinal that the next row will get, or a later one. */
  nextOrdinal: number;
};

/** The next thing to do, and for how many rows an index still waits (null when it does not). */
export type VectorIndexPlan = {
  next: { action: 'drop'; name: string } | { action: 'build'; index: VectorIndexToBuild } | null;
  waitsForRows: number | null;
};

// Young rows are compared one by one beside the walk of the index, so fewer of them are borne than where that is all.
const segmentShare = 0.5;
const mostYoungRows = 20_000;
const loadShare = 0.2;
// Below this a scan of all rows is as fast, and the centres of the lists would be those of a small sample.
const fewestRows = 2000;
const fewestLists = 16;
// Numbers that an exact search reads: some 12 ms of them, and some 30 ms. Inserting a row into an HNSW index costs several
// times what its share of building the index costs, so while rows pour in the larger number is waited for.
const numbersWorthAnIndex = 5_000_000;
const numbersToBearWhileLoading = 12_000_000;
// PostgreSQL stores a row of more than about 2 kB out of line. Comparing with such a vector was measured to cost 1.7 to 4.4
// times as much a number.
const mostDimensionsInline = 470;
const costOutOfLine = 2.5;
const metricNames = { cosine: 'cos', l2: 'l2', inner_product: 'ip' } as const;

/**
 * Lists of an IVFFlat index over so many rows, as pgvector's documentation advises: a thousandth of the rows, and their
 * square root above a million.
 */
export function listsFor(rows: number): number {
  return Math.max(fewestLists, Math.round(rows <= 1_000_000 ? rows / 1000 : Math.sqrt(rows)));
}

/**
 * The next step from the indexes that are there to those that are wanted: unfinished ones go first, then what is missing
 * is built, and only then goes what it replaces, so that search always has one. Called again after each step.
 *
 * An HNSW index ends at the row that came last when its build began: inserting into it would cost several times the share
 * that a row has of building. Later rows get a segment of their own once they are many.
 */
export function planVectorIndexes(
  settings: VectorIndexSettings,
  vectors: IndexedVectors,
  built: readonly BuiltVectorIndex[],
): VectorIndexPlan {
  const unfinished = built.find(({ isValid }) => !isValid);
  if (unfinished) return { next: { action: 'drop', name: unfinished.name }, waitsForRows: null };
  const waitsForRows = missingRows(settings, vectors);
  const kept = new Set<string>();
  for (const metric of settings.metrics) {
    const serving = built.filter((index) => index.metric === metric);
    const chain = chainOf(serving.filter((index) => fits(index, settings, vectors.rows)));
    for (const { name } of chain) kept.add(name);
    const last = chain.at(-1);
    if (last) {
      const { to, rowsAfter } = last;
      if (to === null || rowsAfter < fewestForSegment(settings, vectors, rowsAfter)) continue;
      const from = beginningOfSegment(chain, rowsAfter);
      return {
        next: { action: 'build', index: wantedIndex(settings, metric, { ...vectors, built, from }) },
        waitsForRows,
      };
    }
    if (waitsForRows === null) {
      const index = wantedIndex(settings, metric, { ...vectors, built, from: null });
      return { next: { action: 'build', index }, waitsForRows };
    }
    for (const index of serving) kept.add(index.name);
  }
  const superfluous = built.find(({ name }) => !kept.has(name));
  return { next: superfluous ? { action: 'drop', name: superfluous.name } : null, waitsForRows };
}

/** Whether so many rows on their way are worth waiting for before an index is built over those that are there. */
export function isLoading(arrivingRows: number, rows: number): boolean {
  return arrivingRows > loadShare * Math.max(rows, 1000);
}

function missingRows(settings: VectorIndexSettings, vectors: IndexedVectors): number | null {
  const needed = settings.kind === 'hnsw' ? fewestForHnsw(settings, vectors) : (settings.lists ?? fewestRows);
  return vectors.rows < needed ? needed : null;
}

/** An index that is there is kept, however few the rows are. */
function fewestForHnsw(
  settings: VectorIndexSettings,
  { dimensions, arrivingRows, rows }: Pick<IndexedVectors, 'dimensions' | 'arrivingRows' | 'rows'>,
): number {
  return settings.min_rows ?? rowsWorthAnIndex(dimensions, isLoading(arrivingRows, rows));
}

function rowsWorthAnIndex(dimensions: number, loading: boolean): number {
  const numbers = loading ? numbersToBearWhileLoading : numbersWorthAnIndex;
  return Math.ceil(numbers / dimensions / (dimensions > mostDimensionsInline ? costOutOfLine : 1));
}

function fewestForSegment(
  settings: VectorIndexSettings,
  { dimensions, arrivingRows }: IndexedVectors,
  youngRows: number,
): number {
  const worthwhile = Math.ceil(segmentShare * rowsWorthAnIndex(dimensions, isLoading(arrivingRows, youngRows)));
  return Math.min(mostYoungRows, Math.max(worthwhile, settings.min_rows ?? 0));
}

function fits(index: BuiltVectorIndex, settings: VectorIndexSettings, rows: number): boolean {
  if (index.kind !== settings.kind) return false;
  const { m = 16, ef_construction: breadth = 64, lists = 100 } = index.parameters;
  if (settings.kind === 'hnsw') return m === settings.m && breadth === settings.ef_construction;
  if (settings.lists !== null) return lists === settings.lists;
  // Built anew when the number of rows has doubled or halved: each list is then half or twice as long as it should be. A
  // number that fell below what is worth an index changes nothing.
  const wanted = listsFor(rows);
  return rows < fewestRows || (lists < wanted * 2 && wanted < lists * 2);
}

function wantedIndex(
  settings: VectorIndexSettings,
  metric: VectorMetric,
  vectors: IndexedVectors & { built: readonly BuiltVectorIndex[]; from: number | null },
): VectorIndexToBuild {
  const { kind, m, ef_construction } = settings;
  const { partition, rows, built, nextOrdinal } = vectors;
  const lists = settings.lists ?? listsFor(rows);
  // Names say how the index differs from one that it replaces, which stands beside it for a while: IVFFlat's its lists, a
  // segment's where it ends. PostgreSQL cuts names to 63 characters.
  let name = `${partition}_${metricNames[metric]}_${kind === 'hnsw' ? `s${nextOrdinal.toString(36)}` : `i${lists}`}`;
  while (built.some((other) => other.name === name)) name += 'x';
  return kind === 'hnsw'
    ? { name, kind, metric, parameters: { m, ef_construction }, from: vectors.from, to: nextOrdinal }
    : { name, kind, metric, parameters: { lists }, from: null, to: null };
}
