import type { ValueSchema } from '../value-schema.ts';

/** The phrases that a target refuses with; an answer that has one of them, or nothing at all, is a refusal. */
export const refusalPhrasesSchema: ValueSchema = {
  type: 'array',
  items: { type: 'string', minLength: 1 },
  description:
    'Phrases by which the target says that there is no answer; capital letters make no difference. An answer that holds one counts as no answer.',
};

/** Whether an answer is empty or holds one of the phrases, whatever their case. */
export function isRefusal(answer: string, phrases: readonly string[]): boolean {
  const text = answer.toLowerCase();
  return text.trim() === '' || phrases.some((phrase) => text.includes(phrase.toLowerCase()));
}
