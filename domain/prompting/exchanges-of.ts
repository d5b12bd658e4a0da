import type { BranchMessage } from './prompt-message.ts';

/** One earlier exchange, or only its question if the turn ended without an answer. */
export type Exchange = { question: string; answer: string | null };

/** The exchanges of a branch, oldest first, as a search that knows the conversation wants them. */
export function exchangesOf(branch: readonly BranchMessage[]): Exchange[] {
  const exchanges: Exchange[] = [];
  for (const { role, content } of branch) {
    const last = exchanges.at(-1);
    if (role === 'user') exchanges.push({ question: content, answer: null });
    else if (last && last.answer === null) last.answer = content;
  }
  return exchanges;
}

/**
 * A branch without the questions that have no answer: two questions in a row confuse some providers' chat templates, and an
 * answer without a word is refused by others.
 */
export function answeredMessages(branch: readonly BranchMessage[]): BranchMessage[] {
  const isAnswer = (message: BranchMessage | undefined) =>
    message?.role === 'assistant' && message.content.trim() !== '';
  return branch.filter(
    (message, index) => isAnswer(message) || (message.role === 'user' && isAnswer(branch[index + 1])),
  );
}
