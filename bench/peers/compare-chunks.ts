/** A chunk as it is stored: of which document, and its text. */
export interface StoredChunk {
  path: string;
  content: string;
}

/** How what is stored differs from what belongs there. */
export interface ChunkDifference {
  /** Rows beyond those that belong there, whatever they hold. */
  duplicates: number;
  /** Chunks that belong there and have no row. */
  missing: number;
  /** Documents of which some chunk is missing. */
  incompleteDocuments: number;
}

/** Compares rows with the chunks that belong there, each as often as it occurs. */
export function compareChunks(expected: readonly StoredChunk[], stored: readonly StoredChunk[]): ChunkDifference {
  const left = new Map<string, number>();
  for (const chunk of expected) left.set(keyOf(chunk), (left.get(keyOf(chunk)) ?? 0) + 1);
  let duplicates = 0;
  for (const chunk of stored) {
    const count = left.get(keyOf(chunk)) ?? 0;
    if (count === 0) duplicates++;
    else left.set(keyOf(chunk), count - 1);
  }
  const lacking = [...left].filter(([, count]) => count > 0);
  return {
    duplicates,
    missing: lacking.reduce((sum, [, count]) => sum + count, 0),
    incompleteDocuments: new Set(lacking.map(([key]) => key.slice(0, key.indexOf('\0')))).size,
  };
}

const keyOf = ({ path, content }: StoredChunk): string => `${path}\0${content}`;
