import type { MetricReply, MetricRequest } from '../metric.ts';
import type { ValueSchema } from '../value-schema.ts';
import { askJudge } from './ask-judge.ts';
import type { Judged } from './ask-judge.ts';

const schema: ValueSchema = {
  type: 'object',
  properties: { claims: { type: 'array', items: { type: 'string' } } },
  required: ['claims'],
  additionalProperties: false,
};

// An answer with more is not judged claim by claim any more: it is a document.
const mostClaims = 200;

/** Takes an answer apart into claims that stand alone; none for a refusal, a greeting or a question. */
export function* extractClaims(
  question: string,
  answer: string,
): Generator<MetricRequest, Judged<readonly string[]>, MetricReply> {
  if (answer.trim() === '') return { state: 'judged', value: [] };
  const judged = yield* askJudge<{ claims: string[] }>(
    {
      purpose: 'claims of an answer',
      schemaName: 'claims',
      task:
        'You take the answer to a question apart into claims. A claim is one statement of fact that the answer makes. It ' +
        'stands alone: names instead of pronouns, nothing added. Statements that there is no answer, notes on how the ' +
        'answer was made, markers such as [1], greetings and questions are no claims. If there is none, give an empty list.',
      data: { question, answer },
      schema,
    },
    ({ claims }) => (claims.length > mostClaims ? `there are more than ${mostClaims} claims` : null),
  );
  if (judged.state === 'unscored') return judged;
  return { state: 'judged', value: judged.value.claims.map((claim) => claim.trim()).filter(Boolean) };
}
