import type { ChatModel } from '../chat-model.ts';
import type { PaidCall } from '../paid-call.ts';
import { ProviderError } from '../provider-error.ts';
import type { QueryRewriter } from '../query-rewriter.ts';
import { completeChat } from './complete-chat.ts';

const longestQuery = 2000;
const exchangesGiven = 4;
const charactersPerAnswer = 1000;

const instructions =
  'You phrase a search query. Answer with one query alone, in the language of the question, that can be understood ' +
  'without the conversation: replace pronouns by what they stand for, keep names, numbers and codes as they are, add ' +
  'nothing that was not said. If the question needs no change, repeat it.';

/** A rewriter that asks a chat model, with the last few exchanges of the conversation. */
export function createChatQueryRewriter(model: ChatModel, paid: PaidCall): QueryRewriter {
  return {
    async rewrite(query, { history = [], signal } = {}) {
      const earlier = history
        .slice(-exchangesGiven)
        .flatMap(({ question, answer }) => [
          { role: 'user' as const, content: question },
          ...(answer === null ? [] : [{ role: 'assistant' as const, content: answer.slice(0, charactersPerAnswer) }]),
        ]);
      const answer = await paid((callId) =>
        completeChat(
          model,
          {
            messages: [
              { role: 'system', content: instructions },
              ...earlier,
              { role: 'user', content: `Question: ${query}` },
            ],
            temperature: 0,
            ...(callId !== undefined && { callId }),
          },
          signal,
        ),
      );
      const rewritten = answer.replaceAll('\0', ' ').trim();
      if (rewritten !== '' && rewritten.length <= longestQuery) return rewritten;
      throw new ProviderError(
        'malformed_response',
        'The model that phrases queries gave none, or far too long a one.',
        {
          retryable: true,
        },
      );
    },
  };
}
