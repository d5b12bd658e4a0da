import type { ChatModel, ChatRequest } from '../chat-model.ts';

/** The whole text that a chat model answers; no part of it is shown before. Throws as the model's `stream` does. */
export async function completeChat(model: ChatModel, request: ChatRequest, signal?: AbortSignal): Promise<string> {
  let text = '';
  for await (const event of model.stream(request, signal === undefined ? {} : { signal })) {
    if (event.type === 'text') text += event.text;
  }
  return text;
}
