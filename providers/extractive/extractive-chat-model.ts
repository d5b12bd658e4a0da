import type { CallOptions, ChatEvent, ChatModel, ChatRequest } from '../chat-model.ts';
import { ProviderError } from '../provider-error.ts';
import { selectQuotes } from './select-quotes.ts';

/** Says in every answer what it is. */
export const extractiveNotice =
  'This is an extractive answer: it quotes the best matching sentences and was made without a language model.';

const nothingFound = 'None of the passages found in the documents answers this question.';
const modelId = 'extractive';

/**
 * Answers without a key or a language model: quotes one to three sentences of `passages` that match the last user
 * message, each followed by its marker `[n]`. Deterministic. Its usage is a known 0, since no language model reads or
 * writes a token; `maxTokens` counts words.
 */
export function createExtractiveChatModel(): ChatModel {
  return { provider: 'extractive', id: modelId, contextWindow: 1_000_000, supportsTools: false, stream: answer };
}

async function* answer(request: ChatRequest, { signal }: CallOptions = {}): AsyncGenerator<ChatEvent, void, undefined> {
  signal?.throwIfAborted();
  if (request.tools !== undefined && request.tools.length > 0) {
    const message = 'The extractive answerer does not take tools: give none, or configure a chat model.';
    throw new ProviderError('invalid_request', message, { retryable: false });
  }
  const words = compose(request).match(/\S+\s*/g) ?? [];
  const { maxTokens = words.length } = request;
  for (const text of words.slice(0, maxTokens)) {
    signal?.throwIfAborted();
    yield { type: 'text', text };
  }
  yield { type: 'usage', promptTokens: 0, completionTokens: 0, totalTokens: 0 };
  const reason = maxTokens < words.length ? 'length' : 'stop';
  yield { type: 'finish', reason, responseId: null, responseModel: modelId };
}

function compose(request: ChatRequest): string {
  const question = request.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const quotes = selectQuotes(question, request.passages ?? []);
  const body =
    quotes.length === 0
      ? nothingFound
      : `According to the documents: ${quotes.map(({ n, text }) => `"${text}" [${n}]`).join(' ')}`;
  return `${body}\n\n${extractiveNotice}`;
}
