import { describe, expect, test } from '@jest/globals';
import { metricCatalog } from '../../../domain/metrics/metric-catalog.ts';
import { readMetricChoice } from '../../../domain/metrics/read-metric-choice.ts';
import { scoreWith, valueOf } from './score-with.ts';

describe('what is missing', () => {
  test('R24: an answer that the target failed to give is unscored, not wrong, and nobody is asked', () => {
    const needsAnswer = metricCatalog.filter(({ needs }) => needs.includes('answer'));
    expect(needsAnswer.length).toBeGreaterThan(12);
    for (const { name } of needsAnswer) {
      const parameters = { rubric: { rubric: 'r' }, regex: { pattern: 'p' }, json_schema: { schema: {} } }[name] ?? {};
      const part = { answer: null, expectedAnswer: 'right', contexts: [], isUnanswerable: true };
      expect([name, scoreWith({ name, parameters }, part)]).toEqual([
        name,
        { score: { state: 'unscored', reason: 'The target gave no answer.' }, requests: [] },
      ]);
    }
  });

  test('a case without labels has no ranking metric, and one without a right answer no comparison', () => {
    for (const name of ['recall@5', 'precision@5', 'ndcg@5', 'hit_rate@5', 'mrr', 'id_context_recall']) {
      expect(scoreWith(name, { ranked: ['a'] }).score.state).toBe('not_applicable');
      expect(scoreWith(name, { ranked: ['a'], relevant: [{ key: 'a', grade: 0 }] }).score.state).toBe('not_applicable');
    }
    for (const name of ['exact_match', 'token_f1', 'rouge_l', 'bleu', 'levenshtein', 'contains']) {
      expect(scoreWith(name, { answer: 'a' }).score.state).toBe('not_applicable');
    }
  });

  test('an unknown latency or cost is unscored, never 0', () => {
    expect(scoreWith('cost', { cost: null }).score.state).toBe('unscored');
    expect(scoreWith('latency_ms', { latencyMs: null }).score.state).toBe('unscored');
    expect(valueOf('cost', { cost: 0 })).toBe(0);
    expect(valueOf('latency_ms', { latencyMs: 12.5 })).toBe(12.5);
  });
});

describe('questions without an answer, as SQuAD 2 has them', () => {
  const parameters = { refusal_phrases: ['not in the documents'] };

  test.each(['exact_match', 'token_f1'])('%s', (name) => {
    const chosen = { name, parameters };
    const refuses = { answer: 'That is Not in the documents.' };
    expect(valueOf(chosen, { ...refuses, isUnanswerable: true })).toBe(1);
    expect(valueOf(chosen, { answer: 'Paris', isUnanswerable: true })).toBe(0);
    expect(valueOf(chosen, { ...refuses, expectedAnswer: 'not in the documents' })).toBe(0);
    expect(valueOf(chosen, { answer: 'Paris', expectedAnswer: 'paris' })).toBe(1);
    expect(valueOf(name, { answer: '', isUnanswerable: true })).toBe(1);
  });
});

describe('rankings', () => {
  const relevant = [
    { key: 'a', grade: 1 },
    { key: 'b', grade: 1 },
  ];

  test('a document that is found twice counts once, at its first place', () => {
    const doubles = { ranked: ['x', 'a', 'a', 'x', 'b'], relevant };
    const single = { ranked: ['x', 'a', 'b'], relevant };
    for (const name of ['recall@3', 'precision@3', 'ndcg@3', 'mrr', 'id_context_precision']) {
      expect(valueOf(name, doubles)).toBe(valueOf(name, single));
    }
  });

  test('a depth beyond the list, and an empty list', () => {
    const short = { ranked: ['a'], relevant };
    expect(valueOf('precision@10', short)).toBeCloseTo(0.1, 12);
    expect(valueOf('recall@10', short)).toBe(0.5);
    for (const name of [
      'recall@10',
      'precision@10',
      'ndcg@10',
      'hit_rate@10',
      'mrr',
      'mrr@10',
      'id_context_precision',
    ]) {
      expect(valueOf(name, { ranked: [], relevant })).toBe(0);
    }
  });

  test('more of what is relevant further up is never worse', () => {
    // All orders of two relevant and two irrelevant documents, compared with the same after one swap upwards.
    for (let mask = 0; mask < 16; mask += 1) {
      const list = [0, 1, 2, 3].map((place) => ((mask >> place) & 1) === 1);
      const ranked = list.map((isHit, place) => (isHit ? ['a', 'b', 'c', 'd'][place]! : `x${place}`));
      const graded = ['a', 'b', 'c', 'd'].map((key) => ({ key, grade: 1 }));
      for (let place = 1; place < 4; place += 1) {
        if (!list[place] || list[place - 1]) continue;
        const swapped = ranked.with(place, ranked[place - 1]!).with(place - 1, ranked[place]!);
        for (const name of ['recall@2', 'precision@2', 'ndcg@3', 'mrr', 'hit_rate@1']) {
          const before = valueOf(name, { ranked, relevant: graded });
          expect(valueOf(name, { ranked: swapped, relevant: graded })).toBeGreaterThanOrEqual(before);
        }
      }
    }
  });
});

describe('contains', () => {
  test('white space, width and case make no difference unless they shall', () => {
    const part = { answer: 'It is３００ metres  high.', expectedAnswer: '300 METRES high' };
    expect(valueOf('contains', part)).toBe(1);
    expect(valueOf({ name: 'contains', parameters: { case_sensitive: true } }, part)).toBe(0);
  });

  test('any or all of the values', () => {
    const chosen = (mode: string) => ({ name: 'contains', parameters: { values: ['high', 'low'], mode } });
    expect(valueOf(chosen('any'), { answer: 'high' })).toBe(1);
    expect(scoreWith(chosen('all'), { answer: 'high' }).score).toEqual({
      state: 'scored',
      score: 0,
      details: { missing: ['low'] },
    });
  });
});

describe('what is checked in a time box', () => {
  test('regex asks for the check, and is unscored when it does not end', () => {
    const chosen = { name: 'regex', parameters: { pattern: '^(a+)+$', flags: 'i' } };
    const { score, requests } = scoreWith(chosen, { answer: 'aaa!' }, [{ state: 'checked', mistakes: ['no match'] }]);
    expect(score).toEqual({ state: 'scored', score: 0 });
    expect(requests).toEqual([{ kind: 'pattern', pattern: '^(a+)+$', flags: 'i', text: 'aaa!' }]);
    const late = scoreWith(chosen, { answer: 'aaa!' }, [{ state: 'failed', reason: 'It took more than 500 ms.' }]);
    expect(late.score.state).toBe('unscored');
    const sticky = { name: 'regex', parameters: { pattern: 'a', flags: 'gy' } };
    expect(scoreWith(sticky, { answer: 'a' })).toMatchObject({ score: { state: 'unscored' }, requests: [] });
  });

  test('json_schema reads the answer, in a fence too, and tells the first mistake', () => {
    const chosen = { name: 'json_schema', parameters: { schema: { type: 'object' } } };
    const fenced = scoreWith(chosen, { answer: '```json\n{"a": 1}\n```' }, [{ state: 'checked', mistakes: [] }]);
    expect(fenced.score).toEqual({ state: 'scored', score: 1 });
    expect(fenced.requests).toEqual([{ kind: 'schema', schema: { type: 'object' }, value: { a: 1 } }]);
    const wrong = scoreWith(chosen, { answer: '[]' }, [{ state: 'checked', mistakes: ['must be object'] }]);
    expect(wrong.score).toMatchObject({ state: 'scored', score: 0, reason: 'must be object' });
    // Talk around it is not JSON: whoever reads the answer by machine would fail.
    expect(scoreWith(chosen, { answer: 'Here: {"a": 1}' }).score).toMatchObject({ state: 'scored', score: 0 });
  });
});

describe('tool-call accuracy', () => {
  const call = (name: string, args: unknown) => ({ name, arguments: args });
  const score = (
    toolCalls: ReturnType<typeof call>[],
    expectedToolCalls: ReturnType<typeof call>[],
    order = 'strict',
  ) => valueOf({ name: 'tool_call_accuracy', parameters: { order } }, { toolCalls, expectedToolCalls });

  test('is the mean share of right arguments, when the names are right in order', () => {
    const expected = [call('search', { q: 'tower', top_k: 5 }), call('sum', { a: 1 })];
    expect(score([call('search', { top_k: 5, q: 'tower' }), call('sum', { a: 1, b: 2 })], expected)).toBe(1);
    expect(score([call('search', { q: 'tower', top_k: 3 }), call('sum', { a: 1 })], expected)).toBe(0.75);
    expect(score([call('sum', { a: 1 }), call('search', { q: 'tower', top_k: 5 })], expected)).toBe(0);
    expect(score([call('sum', { a: 1 }), call('search', { q: 'tower', top_k: 5 })], expected, 'any')).toBe(1);
    expect(score([call('search', { q: 'tower', top_k: 5 })], expected)).toBe(0);
  });

  test('values are compared as JSON, whatever the order of their keys', () => {
    expect(score([call('f', { x: { a: 1, b: [2] } })], [call('f', { x: { b: [2], a: 1 } })])).toBe(1);
    expect(score([call('f', { x: '1' })], [call('f', { x: 1 })])).toBe(0);
  });

  test('no call where none is expected is right, any other is wrong', () => {
    expect(score([], [])).toBe(1);
    expect(score([call('f', {})], [])).toBe(0);
    expect(score([], [call('f', {})])).toBe(0);
  });
});

test('texts that are too long to be compared are unscored', () => {
  const long = 'word '.repeat(4000);
  for (const name of ['levenshtein', 'rouge_l']) {
    expect(scoreWith(name, { answer: long, expectedAnswer: long }).score.state).toBe('unscored');
  }
});

describe('the choice of a metric', () => {
  test('every metric has its source, and a description of each parameter', () => {
    for (const { name, source, parameters } of metricCatalog) {
      expect([name, source.length > 10]).toEqual([name, true]);
      for (const schema of Object.values(parameters)) expect(schema.description).toMatch(/\.$/);
    }
    const names = metricCatalog.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('reads the depth from the name, and fills in defaults', () => {
    expect(readMetricChoice('ndcg@10')).toMatchObject({
      choice: { label: 'ndcg@10', parameters: { k: 10, gain: 'linear' } },
    });
    expect(readMetricChoice({ name: 'recall@k', parameters: { k: 7 } })).toMatchObject({
      choice: { label: 'recall@7' },
    });
    expect(readMetricChoice({ name: 'mrr@10', label: 'rank' })).toMatchObject({
      choice: { label: 'rank', parameters: { k: 10 } },
    });
  });

  test.each([
    ['recall', 'write recall@5'],
    ['recall@0', 'k must be at least 1'],
    ['faithfulness@3', 'There is no metric "faithfulness@3"'],
    ['nonsense', 'There is no metric "nonsense". There are exact_match,'],
    [{ name: 'rubric' }, 'rubric is missing'],
    [{ name: 'bleu', parameters: { tokenize: 'intl' } }, 'tokenize must be one of "13a", "zh", "char", "none"'],
    [{ name: 'bleu', parameters: { smooth: 1 } }, 'smooth is not known'],
  ])('%j is refused: %s', (chosen, mistake) => {
    expect(readMetricChoice(chosen)).toEqual({ mistakes: [expect.stringContaining(mistake)] });
  });
});
