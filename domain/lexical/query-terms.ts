import { termKeys } from './term-keys.ts';

/** What a query looks for: its terms, their keys, and how much each counts. */
export type QueryTerms = { terms: string[]; keys: number[]; weights: number[] };

/**
 * The terms of a query that was analysed once for each language of the documents. A term counts as often as it occurs,
 * but once for all languages that make the same of it.
 */
export function queryTerms(workspaceId: string, analyses: readonly (readonly string[])[]): QueryTerms {
  const keyOf = termKeys(workspaceId);
  const weights = new Map<string, number>();
  for (const terms of analyses) {
    const counts = new Map<string, number>();
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const [term, count] of counts) weights.set(term, Math.max(count, weights.get(term) ?? 0));
  }
  const terms = [...weights.keys()];
  return { terms, keys: terms.map(keyOf), weights: [...weights.values()] };
}
