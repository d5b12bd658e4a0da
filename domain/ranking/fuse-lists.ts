/** One chunk with its place in each list. A rank counts from 1 and is null outside of the list; a score may be known all the same. */
export interface Candidate {
  readonly vectorRank: number | null;
  /** Similarity, larger for closer; null when the chunk has no vector of the model or vectors were not searched. */
  readonly vectorScore: number | null;
  readonly textRank: number | null;
  /** BM25, at least 0; null when the chunk has no word of the query or words were not searched. */
  readonly textScore: number | null;
}

/** How much each list counts, in relation to the other. */
export interface FusionWeights {
  readonly vector: number;
  readonly text: number;
}

/** How two lists become one. */
export type Fusion =
  | { readonly method: 'convex'; readonly weights: FusionWeights }
  | { readonly method: 'rrf'; readonly weights: FusionWeights; readonly k: number };

/** What is used when nothing else is asked for; docs/benchmarks.md has the measurements behind it. */
export const defaultFusion: Fusion = { method: 'convex', weights: { vector: 0.75, text: 0.25 } };

/** The constant of reciprocal rank fusion that its authors found best. */
export const defaultRankConstant = 60;

/**
 * The fused score of each candidate, larger for better.
 *
 * `rrf`: sum of weight / (k + rank) over the lists that have the candidate (Cormack, Clarke and Büttcher, "Reciprocal Rank
 * Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009); a list without it adds nothing.
 *
 * `convex`: weighted mean of the scores, each scaled from its theoretical minimum (0 for BM25, `leastVectorScore` for
 * vectors) to the query's best, so 0 to 1 (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval",
 * TOIS 2023). Where the metric has no minimum, it is -1 or the lowest candidate, whichever is lower. A candidate that only
 * one list brought should come with its true score of the other, as the search computes it; one that is null counts as
 * the minimum, which for BM25 is what a chunk without any word of the query has.
 */
export function fuseLists(candidates: readonly Candidate[], fusion: Fusion, leastVectorScore: number | null): number[] {
  const { weights } = fusion;
  if (fusion.method === 'rrf') {
    const part = (weight: number, rank: number | null) => (rank === null ? 0 : weight / (fusion.k + rank));
    return candidates.map((each) => part(weights.vector, each.vectorRank) + part(weights.text, each.textRank));
  }
  const vectorScores = candidates.flatMap(({ vectorScore }) => (vectorScore === null ? [] : [vectorScore]));
  const least = leastVectorScore ?? vectorScores.reduce((low, score) => Math.min(low, score), -1);
  const vector = scaledFrom(least, vectorScores);
  const text = scaledFrom(
    0,
    candidates.flatMap(({ textScore }) => (textScore === null ? [] : [textScore])),
  );
  const sum = weights.vector + weights.text;
  return candidates.map(
    (each) => (weights.vector * vector(each.vectorScore) + weights.text * text(each.textScore)) / sum,
  );
}

function scaledFrom(least: number, scores: readonly number[]): (score: number | null) => number {
  const range = scores.reduce((high, score) => Math.max(high, score), least) - least;
  return (score) => (score === null || range === 0 ? 0 : (score - least) / range);
}
