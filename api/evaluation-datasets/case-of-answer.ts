import { givenCaseSchema, type GivenCase } from '../../contracts/evaluation-case.ts';
import type { RatedAnswer } from '../../entities/evaluations/evaluation-case-repository.ts';

/**
 * The case that a rated answer makes: the conversation up to its question, and the answer as the expected one where it was
 * liked. Repeated, it is the same case.
 */
export function caseOfAnswer({ message_id, question, answer, rating, comment, before }: RatedAnswer): GivenCase {
  const asked = { role: 'user' as const, content: question };
  return givenCaseSchema.parse({
    key: `message-${message_id}`,
    input: before.length === 0 ? { question } : { messages: [...before, asked] },
    expected_answer: rating > 0 ? answer : null,
    tags: [rating > 0 ? 'liked' : 'disliked'],
    metadata: { message_id, comment, ...(rating < 0 && { disliked_answer: answer }) },
  });
}
