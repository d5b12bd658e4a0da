import type { ChatModel, ChatRequest, TokenUsage } from '../chat-model.ts';

/**
 * The whole text that a chat model answers, no part of which is shown before, and what the provider counted. Throws as the
 * model's `stream` does.
 */
export async function completeChat(
  model: ChatModel,
  request: ChatRequest,
  signal?: AbortSignal,
): Promise<{ value: string; usage: TokenUsage }> {
  let value = '';
  let usage: TokenUsage = { promptTokens: null, completionTokens: null, totalTokens: null };
  for await (const event of model.stream(request, signal === undefined ? {} : { signal })) {
    if (event.type === 'text') value += event.text;
    else if (event.type === 'usage') {
      const { promptTokens, completionTokens, totalTokens } = event;
      usage = { promptTokens, completionTokens, totalTokens };
    }
  }
  return { value, usage };
}
