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

test('what has not changed is taken over from an earlier run, if that is wished', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  await h.query(`update models set model_id = $2 where id = $1`, [
    h.workspace.judgeId,
    `judge?answer=${encodeURIComponent('{"reason": "It is.", "grade": 4}')}`,
  ]);
  const rubric = { name: 'rubric', parameters: { rubric: 'Is it right?' }, label: 'grade' };
  const run = { cases: cases(10), measure: ['exact_match', rubric], judged: true };
  const first = await h.start(run);
  await h.result(first);
  expect(h.provider.log()).toHaveLength(20);
  const again = await h.start({ ...run, reuse: true });
  expect(await h.result(again)).toEqual({ state: 'completed', verdict: 'passed' });
  expect(await h.scores(again)).toEqual(await h.scores(first));
  expect(h.provider.log()).toHaveLength(20);
  const [paid] = (await h.row(first)).results as { costs: { amount: string }[] }[];
  expect(Number(paid!.costs[0]!.amount)).toBeGreaterThan(0);
  expect((await h.row(again)).results).toMatchObject([{ costs: [], reused_costs: paid!.costs }]);
  const [changed, ...others] = cases(10);
  const other = { ...run, cases: [{ ...changed!, question: 'Another question?' }, ...others], reuse: true };
  // Another rubric: outputs are taken over, and judged anew.
  const strict = { ...rubric, parameters: { rubric: 'Is it right, and short?' } };
  const third = await h.start({ ...other, measure: ['exact_match', strict] });
  await h.result(third);
  expect(h.provider.log()).toHaveLength(20 + 1 + 10);
  expect((await h.row(third)).results).toMatchObject([
    { items: 10, reused: 9, costs: [{ currency: 'USD' }], reused_costs: [{ currency: 'USD' }] },
  ]);
});

test('variants and repetitions are measured apart, and a regression beyond the baseline fails the gate', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  const baseline = await h.start({ cases: cases(12), measure: ['exact_match'] });
  await h.result(baseline);
  await h.query(`update models set model_id = 'fake?answer=nothing' where id = $1`, [h.workspace.judgeId]);
  const worse = { id: h.workspace.judgeId, name: 'worse', provider: 'openai', modelId: 'fake', updatedAt: '1' };
  const key = await h.start({
    cases: cases(12),
    measure: ['exact_match'],
    variants: [{ name: 'same' }, { name: 'worse', model: worse }],
    repetitions: 2,
    gates: [{ metric: 'exact_match', no_regression_beyond: 0.1 }],
    baselineId: baseline.evaluationId,
  });
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'failed' });
  const row = await h.row(key);
  expect(row.items).toEqual({ done: 48 });
  expect(row.verdict_reasons).toMatchObject([
    { variant: 0, state: 'passed' },
    { variant: 1, state: 'failed' },
  ]);
  expect(row.metrics).toMatchObject({
    same: { exact_match: { mean: 0.75, baseline: { paired: 12, same: 12, difference: 0 } } },
    worse: { exact_match: { mean: 0, baseline: { worse: 9, same: 3, test: 'mcnemar' } } },
  });
});
