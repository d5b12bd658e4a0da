import { expect, jest, test } from '@jest/globals';
import { evaluationHarness } from '../support/workspaces/evaluation-harness.ts';

jest.setTimeout(120_000);
const h = evaluationHarness();

const cases = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `case ${String(index).padStart(3, '0')}`,
    question: `What is the number ${index}?`,
    expected_answer: index % 4 === 0 ? 'another answer' : 'the answer',
  }));

test('a run gives each case an output and a score of each metric, and passes its gate', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  const gates = [{ metric: 'exact_match', min: 0.7 }];
  const key = await h.start({ cases: cases(60), measure: ['exact_match', 'latency_ms', 'cost'], gates });
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'passed' });
  const row = await h.row(key);
  expect(row).toMatchObject({ status: 'completed', verdict: 'passed', items: { done: 60 } });
  const scores = await h.scores(key);
  expect(Object.keys(scores)).toHaveLength(180);
  expect(scores['case 000/0/exact_match']).toBe(0);
  expect(scores['case 001/0/exact_match']).toBe(1);
  expect(row.metrics).toMatchObject({ 'variant 0': { exact_match: { mean: 0.75, scored: 60, unscored: 0 } } });
  expect(h.provider.log()).toHaveLength(60);
  const [usage] = await h.query(
    `select count(*)::int as calls, bool_and(state = 'settled' and cost > 0) as known from usage_metrics
     where entity_type = 'evaluation' and entity_id = $1`,
    [key.evaluationId],
  );
  expect(usage).toEqual({ calls: 60, known: true });
  const [item] = await h.query(
    `select prompt, output, cost from evaluation_items where evaluation_id = $1 and ordinal = 1`,
    [key.evaluationId],
  );
  expect(item).toMatchObject({
    prompt: [{ role: 'user', content: 'What is the number 1?' }],
    output: 'the answer',
  });
});
