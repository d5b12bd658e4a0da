/** The rows of an index by their order of arrival: `from` is among them, `to` is not; null where it has no bound. */
export type SegmentBounds = { from: number | null; to: number | null };

/**
 * The indexes that together cover the rows from the oldest on without a gap, of several that begin at the same place the
 * one that reaches farthest; of equals the last. It ends where no index begins, and after one without an end.
 */
export function chainOf<Index extends SegmentBounds>(indexes: readonly Index[]): Index[] {
  const chain: Index[] = [];
  for (let reached: number | null = null; ;) {
    const [farthest] = indexes
      .filter(({ from }) => from === reached)
      .toReversed()
      .sort((a, b) => (b.to ?? Infinity) - (a.to ?? Infinity) || 0);
    if (!farthest) return chain;
    chain.push(farthest);
    if (farthest.to === null) return chain;
    reached = farthest.to;
  }
}

// Each search walks each segment. With 1, up to 100,000 rows have 2.2 of them on average and each row is built into 2.9
// indexes by then; with 2, 1.8 and 3.0; with 3, 1.6 and 3.8.
const mostTimesLarger = 2;

/**
 * Where the segment for so many young rows begins: it takes in every older one that is at most twice as large as what it
 * has by then, so that few segments stay and a row is built anew about as often as sizes double.
 */
export function beginningOfSegment(
  chain: readonly (SegmentBounds & { rows: number })[],
  youngRows: number,
): number | null {
  let rows = youngRows;
  let from = chain.at(-1)?.to ?? null;
  for (const older of chain.toReversed()) {
    if (older.rows > mostTimesLarger * rows) break;
    rows += older.rows;
    from = older.from;
  }
  return from;
}
