import { expect, jest, test } from '@jest/globals';
import { evaluationHarness } from '../support/workspaces/evaluation-harness.ts';

jest.setTimeout(120_000);
const h = evaluationHarness();

const judge = { on: 'chat', model: 'judge' } as const;

test('R24: what a judge answered in no usable form is unscored, and a retry asks for that again but for nothing else', async () => {
  const claims = JSON.stringify({ claims: ['It is green.'] });
  const verdict = JSON.stringify({ verdicts: [{ n: 1, reason: 'Nothing says so.', verdict: true }] });
  h.provider.control({
    default: { answer: 'It is green.' },
    script: [
      { ...judge, answer: claims },
      { ...judge, answer: claims },
      { ...judge, answer: 'I would say so.' },
      { ...judge, answer: 'As I said.' },
    ],
  });
  const measure = [{ name: 'answer_correctness', label: 'right', parameters: { factuality_weight: 1 } }];
  const cases = [{ key: 'one', question: 'Which colour?', expected_answer: 'It is green.' }];
  const gates = [{ metric: 'right', min: 1 }];
  const key = await h.start({ cases, measure, gates, judged: true });
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'incomplete' });
  expect(await h.scores(key)).toEqual({ 'one/0/right': 'unscored' });
  expect(h.provider.log()).toHaveLength(5);

  h.provider.control({
    script: [
      { ...judge, answer: verdict },
      { ...judge, answer: verdict },
    ],
  });
  await h.retry(key);
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'passed' });
  expect(await h.scores(key)).toEqual({ 'one/0/right': 1 });
  // Neither the target nor the claims were paid again.
  expect(h.provider.log()).toHaveLength(7);
});
