/** What was measured of an index; recall is the share of the ten true nearest that it found, null where nothing was asked. */
export type MeasuredIndex = {
  /** Of vectors drawn from those that are stored, and of vectors that were searched for lately. */
  recall: { stored: number | null; queries: number | null };
  p50Ms: number;
  p95Ms: number;
  bytes: number;
};

/** The state of an index of a model's vectors. */
export type IndexHealth = MeasuredIndex & {
  kind: 'hnsw' | 'ivfflat';
  /** Rows that are visible, and rows that were deleted and are not cleared up yet, as PostgreSQL's statistics say. */
  rows: number;
  deadRows: number;
  /** Rows that were written since the planner's statistics were made; null if they never were. */
  changedRows: number | null;
  /** Size of an index that would be built now; null where that is not known (IVFFlat). */
  expectedBytes: number | null;
  /** How many candidates a search looks through (HNSW's ef_search). */
  breadth: number;
  /** Recall with broader searches, in ascending order; empty unless recall is below the goal. */
  broader: readonly { breadth: number; recall: number }[];
  /** Bytes that the database's disk has left; null where nobody knows. */
  roomBytes: number | null;
  /** Whether documents are on their way that bring a fifth as many rows again, or more. */
  isLoading: boolean;
  /** Whether building it anew was no improvement within the last days. */
  wasRebuiltInVain: boolean;
};

/** The share of the ten true nearest that an index is to find. */
export const recallGoal = 0.95;

/** The lower of the two recalls; 1 where nothing could be asked. */
export function leastRecall({ recall }: Pick<MeasuredIndex, 'recall'>): number {
  return Math.min(recall.stored ?? 1, recall.queries ?? 1);
}

/** What to do about an index, and why in a sentence; `breadth` is what `ef_search` is to be raised to. */
export type IndexDecision =
  | { action: 'nothing' | 'analyze' | 'vacuum' | 'reindex'; reason: string }
  | { action: 'raise_ef_search'; reason: string; breadth: number };

/** An index as it was found, and what is to be done about it; PostgreSQL's own number tells it from one that replaced it. */
export type ExaminedIndex = { oid: number; name: string; health: IndexHealth; decision: IndexDecision };

/** What was done about an index; `kept`: whether the new one was, null where none was built. Measured before and after. */
export type MendedIndex = { kept: boolean | null; reason: string; before?: MeasuredIndex; after?: MeasuredIndex };
