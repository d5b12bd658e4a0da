/** A candidate in its final order. */
export interface RankedCandidate {
  readonly documentId: string;
  readonly score: number;
}

/** What a search wants of the order; `minScore` null lets every score through. */
export interface HitLimits {
  readonly limit: number;
  readonly minScore: number | null;
  /** The most hits of one document; null for any number. */
  readonly maxPerDocument: number | null;
}

/** Why a candidate is no hit. */
export type LeftOut = 'limit' | 'min_score' | 'max_per_document';

/** For each candidate, best first: null when it is a hit, else the first reason why it is none. */
export function selectHits(ranked: readonly RankedCandidate[], limits: HitLimits): (LeftOut | null)[] {
  const perDocument = new Map<string, number>();
  let hits = 0;
  return ranked.map(({ documentId, score }) => {
    if (limits.minScore !== null && score < limits.minScore) return 'min_score';
    const ofDocument = perDocument.get(documentId) ?? 0;
    if (limits.maxPerDocument !== null && ofDocument >= limits.maxPerDocument) return 'max_per_document';
    if (hits >= limits.limit) return 'limit';
    hits += 1;
    perDocument.set(documentId, ofDocument + 1);
    return null;
  });
}
