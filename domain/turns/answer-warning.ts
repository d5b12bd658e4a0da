/** What a reader of an answer should know of how it ended; `code` and `detail` are those of an event `warning`. */
export type AnswerWarning = { code: 'answer_cut' | 'answer_empty' | 'answer_filtered'; detail: string };

/**
 * Says what is wrong with an answer that the model ended with `finish`, its provider's reason; null where nothing is. An
 * answer that lacks something must not look whole.
 */
export function answerWarning(said: string, finish: string): AnswerWarning | null {
  if (finish === 'content-filter')
    return { code: 'answer_filtered', detail: "The provider's content filter ended the answer: it is not complete." };
  if (finish === 'length')
    return {
      code: 'answer_cut',
      detail:
        'The answer is not complete: it has as many tokens as it may have. Raise max_tokens of the agent, or ask for less.',
    };
  if (said.trim() !== '') return null;
  return {
    code: 'answer_empty',
    detail: 'The model ended its answer without a word. Regenerate it, or ask otherwise.',
  };
}
