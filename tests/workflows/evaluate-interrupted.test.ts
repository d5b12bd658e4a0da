import { expect, jest, test } from '@jest/globals';
import { seededRandom } from '../chaos/harness/seeded-random.ts';
import { evaluationHarness } from '../support/workspaces/evaluation-harness.ts';
import { mortalDatabase, type MortalDatabase } from '../support/workspaces/mortal-database.ts';
import { presentEvaluation } from '../../api/evaluations/present-evaluation.ts';
import { putBudgetOf } from '../support/workspaces/put-budget.ts';
import { until } from '../support/until.ts';

jest.setTimeout(180_000);
const h = evaluationHarness();

const cases = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `case ${String(index).padStart(3, '0')}`,
    question: `What is the number ${index}?`,
    expected_answer: index % 3 === 0 ? 'another answer' : 'the answer',
  }));
const rubric = { name: 'rubric', parameters: { rubric: 'Is it right?' }, label: 'grade' };
const judgeWith = (model: string) =>
  h.query(`update models set model_id = $2 where id = $1`, [h.workspace.judgeId, model]);
const answering = (model: string, answer: string) => `${model}?answer=${encodeURIComponent(answer)}`;

/** What the provider was asked, and what is known of it, agree: R27 for evaluations. */
async function expectUsageToAgree(evaluationId: string): Promise<void> {
  const rows = await h.query<{ id: string; state: string; prompt_tokens: number | null }>(
    `select id, state, prompt_tokens from usage_metrics where entity_type = 'evaluation' and entity_id = $1`,
    [evaluationId],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const call of h.provider.log()) {
    const row = byId.get(call.idempotencyKey ?? '');
    expect(row).toBeDefined();
    if (row?.state === 'settled') expect(row.prompt_tokens).toBe(call.promptTokens);
    else expect(row).toMatchObject({ state: 'unknown', prompt_tokens: null });
  }
  expect(rows.filter(({ state }) => state === 'started')).toEqual([]);
}

test('R24: a run whose worker dies again and again ends with the scores and the verdict of an undisturbed one, and pays nothing twice', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  await judgeWith(answering('judge', '{"reason": "It is.", "grade": 4}'));
  const run = {
    cases: cases(80),
    measure: ['exact_match', rubric],
    judged: true,
    gates: [{ metric: 'grade', min: 4 }],
  };
  const calm = await h.start(run);
  expect(await h.result(calm)).toEqual({ state: 'completed', verdict: 'passed' });
  const undisturbed = await h.scores(calm);
  expect(h.provider.log()).toHaveLength(160);
  h.provider.control({ reset: true, default: { answer: 'the answer' } });

  await h.worker.stop();
  const random = seededRandom(24);
  let mortal: MortalDatabase | undefined;
  h.throughDatabase = (database) =>
    (mortal = mortalDatabase(database, () => {
      if ((mortal?.deaths ?? 0) >= 12 || random.next() > 0.12) return null;
      return random.next() < 0.5 ? 'before' : 'after';
    }));
  h.worker = await h.startWorker();
  try {
    const key = await h.start(run);
    expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'passed' });
    const deaths = mortal?.deaths ?? 0;
    expect(deaths).toBeGreaterThan(8);
    expect(await h.scores(key)).toEqual(undisturbed);
    const log = h.provider.log();
    // Each death repeats at most what each of the four lanes had under way.
    expect(log.length - 160).toBeLessThanOrEqual(deaths * 4);
    expect(new Set(log.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(log.length);
    await expectUsageToAgree(key.evaluationId);
  } finally {
    await h.worker.stop();
    h.throughDatabase = (database) => database;
    h.worker = await h.startWorker();
  }
});

test('a metric of several calls goes on where it was: its answers are kept when they arrive', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  // No answer of this judge can be used, so it is asked a second time, with the reason.
  await judgeWith(answering('judge', 'nonsense'));
  let failures = 0;
  h.around = async (name, work) => {
    const result = await work();
    if (name === 'evaluateItems' && failures < 3) {
      failures += 1;
      throw new Error('The answer of the step was lost.');
    }
    return result;
  };
  const key = await h.start({ cases: cases(3), measure: [rubric], judged: true });
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'incomplete' });
  expect(await h.scores(key)).toEqual({
    'case 000/0/grade': 'unscored',
    'case 001/0/grade': 'unscored',
    'case 002/0/grade': 'unscored',
  });
  expect(h.provider.log().filter(({ model }) => model.startsWith('judge'))).toHaveLength(6);
  expect(h.provider.log()).toHaveLength(9);
});

test('a judge that is away for a while is waited for', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  const model = answering('judge', '{"reason": "It is.", "grade": 5}');
  await judgeWith(model);
  h.provider.control({ script: [{ model, times: 9, failure: { kind: 'status', status: 503 } }] });
  const key = await h.start({ cases: cases(30), measure: [rubric], judged: true });
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'passed' });
  expect(new Set(Object.values(await h.scores(key)))).toEqual(new Set([5]));
  const calls = h.provider.log();
  // No case is answered again because its judge was away.
  expect(calls.filter(({ model: called }) => called === 'fake')).toHaveLength(30);
  expect(calls.filter(({ model: called }) => called === model)).toHaveLength(39);
  await expectUsageToAgree(key.evaluationId);
});

test('R24: a judge that is away for ever leaves its metric unscored and the verdict incomplete, and a retry judges what is open', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  await h.query(`update models set endpoint = 'http://127.0.0.1:9/v1' where id = $1`, [h.workspace.judgeId]);
  const gates = [{ metric: 'grade', min: 3 }];
  const measure = ['contains', rubric];
  const key = await h.start({ cases: cases(30), measure, judged: true, gates, patience_seconds: 1 });
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'incomplete' });
  const row = await h.row(key);
  expect(row).toMatchObject({ status: 'completed', items: { done: 30 } });
  const scores = Object.entries(await h.scores(key));
  expect(new Set(scores.filter(([name]) => name.endsWith('grade')).map(([, score]) => score))).toEqual(
    new Set(['unscored']),
  );
  expect(scores.filter(([name, score]) => name.endsWith('contains') && typeof score === 'number')).toHaveLength(30);
  const [reason] = await h.query(
    `select reason from evaluation_results where evaluation_id = $1 and metric = 'grade'`,
    [key.evaluationId],
  );
  expect(reason).toEqual({ reason: expect.stringContaining('provider_unavailable') });

  await h.query(`update models set endpoint = $2, model_id = $3 where id = $1`, [
    h.workspace.judgeId,
    h.provider.url,
    answering('judge', '{"reason": "It is.", "grade": 4}'),
  ]);
  await h.retry(key);
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'passed' });
  const log = h.provider.log();
  expect(log.filter(({ model }) => model === 'fake')).toHaveLength(30);
  expect(log.filter(({ model }) => model.startsWith('judge'))).toHaveLength(30);
});

test('R28: items for which a budget has too little left fail with the reason, and a retry does them alone once it is raised', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  const { workspaceId } = h.workspace;
  const run = { cases: cases(20), measure: ['contains'], gates: [{ metric: 'contains', min: 0 }], lanes: 4 };
  // Each answer may have 4,096 tokens of two millionths of a dollar.
  await putBudgetOf(h.database, workspaceId, 0.00002);
  // A process looks for budgets every two seconds: a run that is under way by then is refused in part.
  const key = await until(
    async () => {
      const started = await h.start(run);
      await h.result(started);
      return (await h.row(started)).items['refused'] === 20 && started;
    },
    { what: 'a run all of which is refused' },
  );
  const [item] = await h.query(`select error from evaluation_items where evaluation_id = $1 limit 1`, [
    key.evaluationId,
  ]);
  expect(item).toMatchObject({
    error: { code: 'budget_exhausted', detail: expect.stringContaining('Raise the budget') },
  });
  const { progress, hint } = presentEvaluation(await h.row(key));
  expect(progress).toMatchObject({ total: 20, failed: 20 });
  expect(hint).toMatch(/^20 items have no output\. A budget refused calls of 20: raise it .*"perdure eval retry /);
  const calls = h.provider.log().length;
  await putBudgetOf(h.database, workspaceId, 10);
  expect(await h.retry(key)).toBe(20);
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'passed' });
  expect(presentEvaluation(await h.row(key)).hint).toBeNull();
  expect(h.provider.log()).toHaveLength(calls + 20);
});
