import { defaultBootstrap, intervalFrom, resampleMeans } from './bootstrap.ts';
import type { BootstrapOptions, Interval } from './bootstrap.ts';
import { caseMeans } from './case-scores.ts';
import type { CaseScore } from './case-scores.ts';
import { exactMcnemar } from './mcnemar.ts';
import { mean } from './quantile.ts';

/** How one case fares against the baseline. */
export type CaseComparison = {
  readonly caseId: string;
  readonly baseline: number;
  readonly candidate: number;
  readonly outcome: 'better' | 'worse' | 'same';
};

/** Two runs over the same cases. Differences are candidate minus baseline, whichever is better. */
export type PairedComparison = {
  readonly paired: number;
  /** Cases with a score in one of the two only. */
  readonly unpaired: number;
  readonly better: number;
  readonly worse: number;
  readonly same: number;
  /** Null, as the next two, when no case is in both. */
  readonly difference: number | null;
  /** Null for fewer than two cases. */
  readonly interval: Interval | null;
  readonly pValue: number | null;
  /** McNemar's exact test where all scores are 0 or 1, else the paired bootstrap. */
  readonly test: 'mcnemar' | 'paired_bootstrap' | null;
  readonly cases: readonly CaseComparison[];
};

/** How to compare; a difference of at most `epsilon` is none. */
export type ComparisonOptions = BootstrapOptions & { readonly higherIsBetter: boolean; readonly epsilon?: number };

/**
 * Compares two runs case by case, each case with the mean of its repetitions. The mean difference has a bootstrap interval
 * over the cases and a two-sided p-value.
 */
export function comparePaired(
  baseline: readonly CaseScore[],
  candidate: readonly CaseScore[],
  options: ComparisonOptions,
): PairedComparison {
  const { resamples, level, method, epsilon } = { ...defaultBootstrap, epsilon: 1e-9, ...options };
  const before = caseMeans(baseline);
  const after = caseMeans(candidate);
  const cases = Array.from(after).flatMap(([caseId, score]): CaseComparison[] => {
    const old = before.get(caseId);
    if (old === undefined) return [];
    const gain = options.higherIsBetter ? score - old : old - score;
    const outcome = gain > epsilon ? 'better' : gain < -epsilon ? 'worse' : 'same';
    return [{ caseId, baseline: old, candidate: score, outcome }];
  });
  const count = (outcome: CaseComparison['outcome']) => cases.filter((each) => each.outcome === outcome).length;
  const counts = {
    paired: cases.length,
    unpaired: before.size + after.size - 2 * cases.length,
    better: count('better'),
    worse: count('worse'),
    same: count('same'),
    cases,
  };
  if (cases.length === 0) return { ...counts, difference: null, interval: null, pValue: null, test: null };
  const differences = cases.map((each) => each.candidate - each.baseline);
  const difference = mean(differences);
  const replicates = resampleMeans(differences, resamples, options.seed);
  const [low, high] = intervalFrom(replicates, differences, { level, method });
  const isBinary = cases.every((each) => isDecision(each.baseline) && isDecision(each.candidate));
  return {
    ...counts,
    difference,
    interval: cases.length < 2 ? null : { low, high, level, method, resamples },
    pValue: isBinary ? exactMcnemar(counts.better, counts.worse) : bootstrapPValue(replicates, difference),
    test: isBinary ? 'mcnemar' : 'paired_bootstrap',
  };
}

function isDecision(score: number): boolean {
  return score === 0 || score === 1;
}

/**
 * The two-sided p-value of a mean difference: the share of its replicates that, moved so that they lie around 0, are at
 * least as far from 0 (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 16.4). One more is counted
 * above and below, so that it is never 0; as far counts too, so that no difference at all has 1.
 */
export function bootstrapPValue(replicates: readonly number[], difference: number): number {
  // Sums in another order differ by an ulp.
  const least = Math.abs(difference) - 1e-12;
  const extreme = replicates.filter((each) => Math.abs(each - difference) >= least).length;
  return (extreme + 1) / (replicates.length + 1);
}
