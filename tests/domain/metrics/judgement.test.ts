import { describe, expect, test } from '@jest/globals';
import { bootstrapInterval, resampleMeans } from '../../../domain/metrics/aggregate/bootstrap.ts';
import type { CaseScore } from '../../../domain/metrics/aggregate/case-scores.ts';
import { comparePaired } from '../../../domain/metrics/aggregate/compare-paired.ts';
import { ascending, mean } from '../../../domain/metrics/aggregate/quantile.ts';
import { seededIndexes } from '../../../domain/metrics/aggregate/seeded-random.ts';
import { summarizeScores } from '../../../domain/metrics/aggregate/summarize-scores.ts';
import { decideVerdict } from '../../../domain/metrics/gates/decide-verdict.ts';
import type { MeasuredMetric } from '../../../domain/metrics/gates/decide-verdict.ts';
import { readGate } from '../../../domain/metrics/gates/read-gate.ts';
import { choose } from './score-with.ts';

/** One row a score, of cases 0, 1, 2 …; null is unscored, undefined not applicable. */
function rows(scores: readonly (number | null | undefined)[], repetition = 0): CaseScore[] {
  return scores.map((score, index) => ({
    caseId: `case ${index}`,
    repetition,
    state: score === undefined ? 'not_applicable' : score === null ? 'unscored' : 'scored',
    score: score ?? null,
  }));
}

/** Numbers in [0, 1), the same for the same seed. */
function numbers(count: number, seed: number): number[] {
  const draw = seededIndexes(seed);
  return Array.from({ length: count }, () => draw(1_000_000) / 1_000_000);
}

describe('summaries', () => {
  test('what is unscored or not applicable counts in no figure but its number', () => {
    const summary = summarizeScores(rows([1, null, 0, undefined, 1]), { seed: 1 });
    expect(summary).toMatchObject({ scored: 3, unscored: 1, notApplicable: 1, cases: 3, min: 0, max: 1, median: 1 });
    expect(summary.mean).toBeCloseTo(2 / 3, 12);
  });

  test('all unscored: there is no mean, not a mean of 0', () => {
    const summary = summarizeScores(rows([null, null]), { seed: 1 });
    expect(summary).toMatchObject({ scored: 0, unscored: 2, cases: 0, mean: null, interval: null, p95: null });
  });

  test('repetitions of a case are one case', () => {
    const repeated = [...rows([1, 0]), ...rows([1, null], 1), ...rows([1, null], 2)];
    const summary = summarizeScores(repeated, { seed: 1 });
    expect(summary).toMatchObject({ scored: 4, cases: 2, mean: 0.5 });
  });

  test('the same seed gives the same interval, another seed one like it', () => {
    const values = numbers(100, 5);
    const first = bootstrapInterval(values, { seed: 1 })!;
    expect(bootstrapInterval(values, { seed: 1 })).toEqual(first);
    const other = bootstrapInterval(values, { seed: 2 })!;
    expect(other.low).not.toBe(first.low);
    expect(Math.abs(other.low - first.low)).toBeLessThan(0.02);
  });

  test('an interval needs two cases, and is a point when all are equal', () => {
    expect(bootstrapInterval([0.5], { seed: 1 })).toBeNull();
    expect(bootstrapInterval([1, 1, 1], { seed: 1 })).toMatchObject({ low: 1, high: 1 });
  });

  test('intervals hold the true mean about as often as they say', () => {
    let held = 0;
    for (let trial = 0; trial < 150; trial += 1) {
      const { low, high } = bootstrapInterval(numbers(30, trial + 1000), { seed: trial, resamples: 200 })!;
      if (low <= 0.5 && high >= 0.5) held += 1;
    }
    // 95 % of 150 with room for four standard deviations.
    expect(held / 150).toBeGreaterThan(0.87);
    expect(held / 150).toBeLessThan(1);
  });

  test('resamples are drawn from all values alike', () => {
    const means = resampleMeans([0, 1], 4000, 3);
    expect(mean(means)).toBeCloseTo(0.5, 1);
    expect(new Set(means)).toEqual(new Set([0, 0.5, 1]));
    expect(ascending([3, 10, 2])).toEqual([2, 3, 10]);
  });
});

describe('comparison with a baseline', () => {
  const options = { seed: 4, higherIsBetter: true };

  test('each case is better, worse or the same; cases in one run only are counted apart', () => {
    const compared = comparePaired(rows([0.5, 0.5, 0.5, null, 1]), rows([0.7, 0.4, 0.5, 1]), options);
    expect(compared).toMatchObject({ paired: 3, unpaired: 2, better: 1, worse: 1, same: 1, test: 'paired_bootstrap' });
    expect(compared.difference).toBeCloseTo(0.1 / 3, 12);
    expect(compared.cases.map(({ outcome }) => outcome)).toEqual(['better', 'worse', 'same']);
  });

  test('lower is better for latency, and small differences may be none', () => {
    const lower = { seed: 4, higherIsBetter: false, epsilon: 5 };
    const compared = comparePaired(rows([100, 100, 100]), rows([80, 120, 104]), lower);
    expect(compared).toMatchObject({ better: 1, worse: 1, same: 1 });
  });

  test('runs that are equal differ by nothing, with a p-value of 1', () => {
    const values = numbers(50, 9);
    expect(comparePaired(rows(values), rows(values), options)).toMatchObject({ difference: 0, pValue: 1, same: 50 });
  });

  test('swapping the runs turns the sign and keeps the p-value', () => {
    const before = rows(numbers(60, 21));
    const after = rows(numbers(60, 22));
    const there = comparePaired(before, after, options);
    const back = comparePaired(after, before, options);
    expect(back.difference).toBeCloseTo(-there.difference!, 12);
    expect([back.better, back.worse]).toEqual([there.worse, there.better]);
    expect(back.pValue).toBeCloseTo(there.pValue!, 2);
  });

  test('a clear gain is significant, noise is not', () => {
    const before = numbers(80, 31);
    const better = before.map((value, index) => value + 0.1 + (index % 5) / 50);
    expect(comparePaired(rows(before), rows(better), options).pValue).toBeLessThan(0.001);
    const noise = before.map((value, index) => value + (index % 2 === 0 ? 0.1 : -0.1));
    expect(comparePaired(rows(before), rows(noise), options).pValue).toBeGreaterThan(0.5);
  });

  test('right and wrong are compared by McNemar', () => {
    const before = [0, 0, 0, 0, 0, 0, 1, 1];
    const compared = comparePaired(rows(before), rows([1, 1, 1, 1, 1, 1, 1, 1]), options);
    expect(compared).toMatchObject({ test: 'mcnemar', better: 6, worse: 0 });
    expect(compared.pValue).toBeCloseTo(0.03125, 12);
  });

  test('without a common case there is nothing to say', () => {
    expect(comparePaired(rows([null]), rows([1]), options)).toMatchObject({
      paired: 0,
      difference: null,
      pValue: null,
      test: null,
    });
  });
});

describe('gates', () => {
  const measure = (
    name: string,
    scores: readonly (number | null | undefined)[],
    baseline: readonly (number | null | undefined)[] | null = null,
    variant = 0,
  ): MeasuredMetric => ({
    variant,
    choice: choose(name),
    rows: rows(scores),
    baseline: baseline === null ? null : rows(baseline),
  });
  const decide = (gates: readonly string[], ...measured: MeasuredMetric[]) => {
    const read = gates.map((gate) => {
      const result = readGate(gate);
      if ('mistakes' in result) throw new Error(result.mistakes.join(' '));
      return result.gate;
    });
    return decideVerdict(read, measured);
  };

  test('a threshold is met, or not', () => {
    const measured = measure('faithfulness', [1, 0.6]);
    expect(decide(['faithfulness>=0.8'], measured)).toEqual({
      verdict: 'passed',
      gates: [
        {
          gate: 'mean(faithfulness) >= 0.8',
          metric: 'faithfulness',
          variant: 0,
          state: 'passed',
          value: 0.8,
          reason: 'It is 0.8.',
        },
      ],
    });
    expect(decide(['faithfulness >= 0.81'], measured).verdict).toBe('failed');
    expect(decide(['min(faithfulness)>=0.6', 'max(faithfulness)<=1'], measured).verdict).toBe('passed');
    expect(decide(['p95(latency_ms)<=2000'], measure('latency_ms', [100, 1900])).verdict).toBe('passed');
  });

  test('R24: a missing score leaves the gate incomplete, whatever the others are', () => {
    const decided = decide(['faithfulness>=0.8'], measure('faithfulness', [1, 1, 1, null]));
    expect(decided).toMatchObject({ verdict: 'incomplete', gates: [{ reason: '1 of 4 scores are missing.' }] });
  });

  test('R24: a gate that fails whatever the missing scores are has failed', () => {
    const certain = decide(['faithfulness>=0.8'], measure('faithfulness', [0, 0, 1, null]));
    expect(certain).toMatchObject({ verdict: 'failed', gates: [{ state: 'failed' }] });
    // Latency has a best value as well, and no worst.
    expect(decide(['latency_ms<=100'], measure('latency_ms', [500, 500, null])).verdict).toBe('failed');
    expect(decide(['latency_ms<=400'], measure('latency_ms', [500, 500, null])).verdict).toBe('incomplete');
  });

  test('so many may be missing as the gate allows; what is not applicable is not missing', () => {
    const measured = measure('faithfulness', [1, 1, 1, null, undefined]);
    expect(decide(['faithfulness>=0.8 unscored<=0.25'], measured).verdict).toBe('passed');
    expect(decide(['faithfulness>=0.8 unscored<=0.2'], measured).verdict).toBe('incomplete');
    expect(decide(['faithfulness>=0.8'], measure('faithfulness', [1, undefined])).verdict).toBe('passed');
  });

  test('nothing scored, nothing measured, no such variant, no baseline: incomplete', () => {
    expect(decide(['faithfulness>=0'], measure('faithfulness', [undefined])).verdict).toBe('incomplete');
    expect(decide(['faithfulness>=0'], measure('faithfulness', [])).verdict).toBe('incomplete');
    expect(decide(['bleu>=0'], measure('faithfulness', [1])).verdict).toBe('incomplete');
    expect(decide(['faithfulness>=0 variant=1'], measure('faithfulness', [1])).verdict).toBe('incomplete');
    expect(decide(['faithfulness no_regression_beyond 0.1'], measure('faithfulness', [1])).verdict).toBe('incomplete');
  });

  test('no regression beyond a bound, in the direction of the metric, over the cases of both', () => {
    const gate = ['faithfulness no_regression_beyond 0.05'];
    expect(decide(gate, measure('faithfulness', [0.95, 0.85], [1, 0.9, 0])).verdict).toBe('passed');
    expect(decide(gate, measure('faithfulness', [0.94, 0.85], [1, 0.9])).verdict).toBe('failed');
    expect(decide(gate, measure('faithfulness', [1, 1], [0.5, 0.5])).verdict).toBe('passed');
    const latency = ['latency_ms no_regression_beyond 50'];
    expect(decide(latency, measure('latency_ms', [150], [100])).verdict).toBe('passed');
    expect(decide(latency, measure('latency_ms', [151], [100])).verdict).toBe('failed');
    expect(decide(gate, measure('faithfulness', [0.1, null], [1, 1])).verdict).toBe('failed');
    expect(decide(gate, measure('faithfulness', [0.96, null], [1, 1])).verdict).toBe('incomplete');
  });

  test('each variant has to meet a gate without one; failed outweighs incomplete, incomplete outweighs passed', () => {
    const good = measure('faithfulness', [1, 1]);
    const open = measure('faithfulness', [1, null], null, 1);
    const bad = measure('faithfulness', [0, 0], null, 2);
    expect(decide(['faithfulness>=0.8'], good, open).verdict).toBe('incomplete');
    expect(decide(['faithfulness>=0.8'], good, open, bad).verdict).toBe('failed');
    expect(decide(['faithfulness>=0.8 variant=0'], good, open, bad).verdict).toBe('passed');
  });

  test('without gates, a run is complete when nothing is unscored', () => {
    expect(decide([], measure('faithfulness', [0, undefined])).verdict).toBe('passed');
    expect(decide([], measure('faithfulness', [1, null])).verdict).toBe('incomplete');
  });

  test.each([
    ['recall@5 >= 0.5', { metric: 'recall@5', min: 0.5 }],
    ['P95(latency_ms) <= 2e3', { metric: 'latency_ms', statistic: 'p95', max: 2000 }],
    ['tone of voice>=-1.5 variant=2', { metric: 'tone of voice', min: -1.5, variant: 2 }],
    [
      'ndcg@10 no_regression_beyond 0.02 variant=0 unscored<=0.1',
      { metric: 'ndcg@10', no_regression_beyond: 0.02, variant: 0, max_unscored_share: 0.1 },
    ],
    ['faithfulness', null],
    ['faithfulness > 0.8', null],
    ['>= 0.8', null],
    ['', null],
  ])('reads "%s"', (text, gate) => {
    expect(readGate(text)).toEqual(gate === null ? { mistakes: [expect.any(String)] } : { gate });
  });

  test.each([
    [{ metric: 'bleu' }, 'has no condition'],
    [{ metric: 'bleu', min: '1' }, 'min must be a number'],
    [{ metric: 'bleu', min: 1, above: 2 }, 'above is not known'],
    [{ metric: 'bleu', min: 1, max_unscored_share: 2 }, 'max_unscored_share must be at most 1'],
    [null, 'the gate must be an object'],
  ])('refuses %j', (gate, mistake) => {
    expect(readGate(gate)).toEqual({ mistakes: [expect.stringContaining(mistake)] });
  });
});
