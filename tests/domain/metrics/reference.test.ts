import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { intervalFrom } from '../../../domain/metrics/aggregate/bootstrap.ts';
import { bootstrapPValue } from '../../../domain/metrics/aggregate/compare-paired.ts';
import { corpusBleu } from '../../../domain/metrics/aggregate/corpus-bleu.ts';
import { exactMcnemar } from '../../../domain/metrics/aggregate/mcnemar.ts';
import { measureAgreement } from '../../../domain/metrics/aggregate/measure-agreement.ts';
import { normalProbability, normalQuantile } from '../../../domain/metrics/aggregate/normal-distribution.ts';
import { ascending, mean, quantile } from '../../../domain/metrics/aggregate/quantile.ts';
import { averagePrecision } from '../../../domain/metrics/judges/context-precision.ts';
import type { BleuCounts } from '../../../domain/metrics/text/bleu-counts.ts';
import { scoreWith, valueOf } from './score-with.ts';

type Pair = { answer: string; reference: string };

type Reference = {
  pairs: (Pair & {
    exact_match: number;
    token_f1: number;
    rouge_l: number;
    levenshtein: number;
    bleu: Record<string, number>;
    bleu_lowercase: number;
  })[];
  many_references: { answer: string; references: string[]; token_f1: number; bleu: number }[];
  corpora: { pairs: Pair[]; bleu: number }[];
  rankings: {
    ranked: string[];
    relevant: { key: string; grade: number }[];
    values: Record<string, number>;
    exponential: Record<string, number>;
  }[];
  bootstraps: {
    values: number[];
    replicates: number[];
    intervals: Record<string, [number, number]>;
    p_value: number;
    quantiles: Record<string, number>;
  }[];
  mcnemar: { b: number; c: number; p_value: number }[];
  agreements: { labels: boolean[]; decisions: boolean[]; kappa: number }[];
  average_precisions: { verdicts: boolean[]; value: number }[];
  normals: { probabilities: { z: number; p: number }[]; quantiles: { p: number; z: number }[] };
  cosines: { one: number[]; other: number[]; value: number }[];
};

// make_reference.py says which packages, and which versions, gave these.
const file = path.resolve(import.meta.dirname, '../../fixtures/metrics/reference.json');

/** Both lists, so that a failure names the place. */
function expectClose(found: readonly (readonly [string, number])[], wanted: readonly number[]): void {
  const off = found.filter(([, value], index) => !(Math.abs(value - wanted[index]!) <= 1e-6));
  expect(off.map(([name, value]) => `${name}: ${value}`)).toEqual([]);
  expect(found).toHaveLength(wanted.length);
}

describe('metrics give what reference implementations give', () => {
  let reference: Reference;

  beforeAll(async () => {
    reference = JSON.parse(await readFile(file, 'utf8')) as Reference;
  });

  test.each([
    ['exact_match', 'SQuAD'],
    ['token_f1', 'SQuAD, and MLQA beyond ASCII'],
    ['rouge_l', 'rouge_score'],
    ['levenshtein', 'rapidfuzz'],
  ] as const)('%s: %s', (name, _reference) => {
    // Of an empty right answer SQuAD says that there is none; a case says so by itself.
    const pairs = reference.pairs.filter((pair) => pair.answer !== '' || pair.reference !== '');
    expect(pairs.length).toBeGreaterThan(50);
    expectClose(
      pairs.map(({ answer, reference: right }) => [
        JSON.stringify([answer, right]),
        valueOf(name, { answer, expectedAnswer: right }),
      ]),
      pairs.map((pair) => pair[name]),
    );
  });

  test.each(['13a', 'zh', 'char', 'none'])('bleu with the tokenizer %s: sacreBLEU', (tokenize) => {
    expectClose(
      reference.pairs.map(({ answer, reference: right }) => [
        JSON.stringify([answer, right]),
        valueOf({ name: 'bleu', parameters: { tokenize } }, { answer, expectedAnswer: right }),
      ]),
      reference.pairs.map(({ bleu }) => bleu[tokenize]!),
    );
  });

  test('bleu in lower case: sacreBLEU', () => {
    expectClose(
      reference.pairs.map(({ answer, reference: right }) => [
        JSON.stringify([answer, right]),
        valueOf({ name: 'bleu', parameters: { lowercase: true } }, { answer, expectedAnswer: right }),
      ]),
      reference.pairs.map((pair) => pair.bleu_lowercase),
    );
  });

  test('several right answers: SQuAD takes the best, sacreBLEU all of them', () => {
    for (const { answer, references, ...values } of reference.many_references) {
      const [expectedAnswer, ...alternativeAnswers] = references;
      const part = { answer, expectedAnswer: expectedAnswer!, alternativeAnswers };
      expect(valueOf('token_f1', part)).toBeCloseTo(values.token_f1, 6);
      expect(valueOf('bleu', part)).toBeCloseTo(values.bleu, 6);
    }
  });

  test('bleu of a corpus: sacreBLEU', () => {
    const found = reference.corpora.map(({ pairs }) =>
      corpusBleu(
        pairs.map(({ answer, reference: right }) => {
          const { score } = scoreWith('bleu', { answer, expectedAnswer: right });
          return (score.state === 'scored' ? score.details!['counts'] : null) as BleuCounts;
        }),
      ),
    );
    expectClose(
      found.map((value, index) => [`corpus ${index}`, value!]),
      reference.corpora.map(({ bleu }) => bleu),
    );
  });

  test('recall, precision, nDCG, hit rate and reciprocal rank: ir_measures over trec_eval', () => {
    const seen = new Set<string>();
    for (const { ranked, relevant, values } of reference.rankings) {
      for (const [name, value] of Object.entries(values)) {
        seen.add(name);
        expect([name, valueOf(name, { ranked, relevant })]).toEqual([name, expect.closeTo(value, 6)]);
      }
    }
    expect(seen.size).toBe(26);
  });

  test('nDCG with exponential gain: scikit-learn', () => {
    let compared = 0;
    for (const { ranked, relevant, exponential } of reference.rankings) {
      for (const [name, value] of Object.entries(exponential)) {
        compared += 1;
        expect(valueOf({ name, parameters: { gain: 'exponential' } }, { ranked, relevant })).toBeCloseTo(value, 6);
      }
    }
    expect(compared).toBeGreaterThan(40);
  });

  test('context precision: the average precision of scikit-learn', () => {
    for (const { verdicts, value } of reference.average_precisions) {
      expect(averagePrecision(verdicts)).toBeCloseTo(value, 6);
    }
  });

  test('embedding similarity: the cosine of SciPy', () => {
    for (const { one, other, value } of reference.cosines) {
      const reply = { state: 'embedded', vectors: [one, other] } as const;
      const found = valueOf('embedding_similarity', { answer: 'a', expectedAnswer: 'b' }, [reply]);
      expect(found).toBeCloseTo(value, 6);
    }
  });
});

describe('statistics give what reference implementations give', () => {
  let reference: Reference;

  beforeAll(async () => {
    reference = JSON.parse(await readFile(file, 'utf8')) as Reference;
  });

  test.each(['percentile', 'bca'] as const)('bootstrap intervals by %s from the same replicates: SciPy', (method) => {
    for (const { values, replicates, intervals } of reference.bootstraps) {
      for (const level of [0.9, 0.95]) {
        const [low, high] = intervals[`${method} ${level}`]!;
        const found = intervalFrom(replicates, values, { level, method });
        expect(found).toEqual([expect.closeTo(low, 6), expect.closeTo(high, 6)]);
      }
    }
  });

  test('p-value of the paired bootstrap from the same replicates: NumPy', () => {
    for (const { values, replicates, p_value: wanted } of reference.bootstraps) {
      expect(bootstrapPValue(replicates, mean(values))).toBeCloseTo(wanted, 6);
    }
  });

  test("McNemar's exact test: statsmodels", () => {
    for (const { b, c, p_value: wanted } of reference.mcnemar) {
      const found = exactMcnemar(b, c);
      expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(wanted, 1e-12));
    }
  });

  test("Cohen's kappa: scikit-learn", () => {
    for (const { labels, decisions, kappa } of reference.agreements) {
      const pairs = labels.map((label, index) => ({ label, decision: decisions[index]! }));
      expect(measureAgreement(pairs).kappa).toBeCloseTo(kappa, 6);
    }
  });

  test('quantiles: NumPy', () => {
    for (const { values, quantiles } of reference.bootstraps) {
      for (const [share, value] of Object.entries(quantiles)) {
        expect(quantile(ascending(values), Number(share))).toBeCloseTo(value, 6);
      }
    }
  });

  test('the normal distribution and its quantiles: SciPy', () => {
    const isClose = (found: number, wanted: number) => Math.abs(found - wanted) <= 1e-9 * Math.abs(wanted);
    for (const { z, p } of reference.normals.probabilities)
      expect([z, isClose(normalProbability(z), p)]).toEqual([z, true]);
    for (const { p, z } of reference.normals.quantiles) {
      expect([p, Math.abs(normalQuantile(p) - z) <= 1e-9]).toEqual([p, true]);
    }
  });
});
