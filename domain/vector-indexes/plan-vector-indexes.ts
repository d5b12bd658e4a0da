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
export type BuiltVectorIndex = {
  name: string;
  kind: VectorIndexSettings['kind'];
  metric: VectorMetric;
  isValid: boolean;
  parameters: Readonly<Record<string, number>>;
};

/** An index to build. */
export type VectorIndexToBuild = Omit<BuiltVectorIndex, 'isValid'>;

/** A model's vectors as the database has them. */
export type IndexedVectors = {
  partition: string;
  rows: number;
  dimensions: number;
  /** Whether many more rows are on their way. */
  isLoading: boolean;
};

/** The next thing to do, and for how many rows an index still waits (null when it does not). */
export type VectorIndexPlan = {
  next: { action: 'drop'; name: string } | { action: 'build'; index: VectorIndexToBuild } | null;
  waitsForRows: number | null;
};

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
 */
export function planVectorIndexes(
  settings: VectorIndexSettings,
  vectors: IndexedVectors,
  built: readonly BuiltVectorIndex[],
): VectorIndexPlan {
  const { partition, rows } = vectors;
  const unfinished = built.find(({ isValid }) => !isValid);
  if (unfinished) return { next: { action: 'drop', name: unfinished.name }, waitsForRows: null };
  const waitsForRows = missingRows(settings, vectors);
  const kept = new Set<string>();
  for (const metric of settings.metrics) {
    const serving = built.filter((index) => index.metric === metric);
    const fitting = serving.find((index) => fits(index, settings, rows));
    if (fitting) kept.add(fitting.name);
    else if (waitsForRows === null) {
      return { next: { action: 'build', index: wantedIndex(settings, metric, { partition, rows }) }, waitsForRows };
    } else for (const index of serving) kept.add(index.name);
  }
  const superfluous = built.find(({ name }) => !kept.has(name));
  return { next: superfluous ? { action: 'drop', name: superfluous.name } : null, waitsForRows };
}

function missingRows(settings: VectorIndexSettings, { rows, ...vectors }: IndexedVectors): number | null {
  const needed = settings.kind === 'hnsw' ? fewestForHnsw(settings, vectors) : (settings.lists ?? fewestRows);
  return rows < needed ? needed : null;
}

/** An index that is there is kept, however few the rows are. */
function fewestForHnsw(
  settings: VectorIndexSettings,
  { dimensions, isLoading }: Pick<IndexedVectors, 'dimensions' | 'isLoading'>,
): number {
  if (settings.min_rows !== null) return settings.min_rows;
  const numbers = isLoading ? numbersToBearWhileLoading : numbersWorthAnIndex;
  return Math.ceil(numbers / dimensions / (dimensions > mostDimensionsInline ? costOutOfLine : 1));
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
  { partition, rows }: { partition: string; rows: number },
): VectorIndexToBuild {
  const { kind, m, ef_construction } = settings;
  const lists = settings.lists ?? listsFor(rows);
  // Names say the parameters: the index that replaces another stands beside it for a while.
  const suffix = kind === 'hnsw' ? `h${m}_${ef_construction}` : `i${lists}`;
  return {
    name: `${partition}_${metricNames[metric]}_${suffix}`,
    kind,
    metric,
    parameters: kind === 'hnsw' ? { m, ef_construction } : { lists },
  };
}
