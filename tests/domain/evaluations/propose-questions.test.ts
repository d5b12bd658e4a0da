import { expect, test } from '@jest/globals';
import { proposeQuestions, type ProposedQuestions } from '../../../domain/evaluations/propose-questions.ts';
import type { Judged } from '../../../domain/metrics/judges/ask-judge.ts';
import type { MetricRequest } from '../../../domain/metrics/metric.ts';

const passage = {
  title: 'Hours',
  text: 'The office is open from 8\n to 17 o’clock.  On Sundays it is “closed”.',
  questions: 3,
  instructions: 'Ask as a visitor would.',
};

function run(...answers: string[]): { asked: MetricRequest[]; result: Judged<ProposedQuestions> } {
  const asking = proposeQuestions(passage);
  const asked: MetricRequest[] = [];
  let next = asking.next();
  while (!next.done) {
    asked.push(next.value);
    next = asking.next({ state: 'answered', text: answers[asked.length - 1] ?? '' });
  }
  return { asked, result: next.value };
}

const saying = (...questions: [string, string, string][]) =>
  JSON.stringify({ questions: questions.map(([question, answer, quote]) => ({ question, answer, quote })) });

test('keeps questions whose words are in the passage, whatever their spaces and quotation marks, and refuses the others', () => {
  const { asked, result } = run(
    saying(
      ['When is the office open?', 'From 8 to 17.', "open from 8 to 17 o'clock"],
      ['Is it open on Sundays?', 'No.', 'On Sundays it is "closed".'],
      ['Who is the director?', 'Ms Weber.', 'Ms Weber directs the office.'],
    ),
  );
  expect(asked).toHaveLength(1);
  const [request] = asked;
  if (request?.kind !== 'model') throw new Error('It asked no model.');
  expect(request.messages[0]!.content).toContain('Ask as a visitor would.');
  expect(JSON.parse(request.messages[1]!.content)).toEqual({ title: 'Hours', passage: passage.text });
  if (result.state !== 'judged') throw new Error(result.reason);
  expect(result.value.usable.map(({ question }) => question)).toEqual([
    'When is the office open?',
    'Is it open on Sundays?',
  ]);
  expect(result.value.refused).toEqual([
    { question: 'Who is the director?', reason: 'The words that should bear it out are not in the passage.' },
  ]);
});

test('refuses what is empty, there twice, or borne out by nothing', () => {
  const { result } = run(
    saying(
      ['When is it open?', 'From 8.', 'open from 8'],
      ['when  is it open?', 'From 8.', 'open from 8'],
      ['Where?', 'Here.', ' '],
    ),
  );
  if (result.state !== 'judged') throw new Error(result.reason);
  expect(result.value.usable).toHaveLength(1);
  expect(result.value.refused.map(({ reason }) => reason)).toEqual([
    'The question is there twice.',
    'The words that should bear it out are not in the passage.',
  ]);
});

test('asks once more for what cannot be read or is too much, and then gives up', () => {
  const many = saying(...Array.from({ length: 4 }, (): [string, string, string] => ['Q?', 'A.', 'open']));
  const mended = run(many, saying(['When?', 'From 8.', 'open from 8']));
  expect(mended.asked).toHaveLength(2);
  expect(mended.result).toMatchObject({ state: 'judged', value: { usable: [{ question: 'When?' }] } });
  expect(run('no', 'still no').result).toMatchObject({ state: 'unscored', unusable: 2 });
});
