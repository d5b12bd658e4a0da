import type { ChatModel, ChatRequest, TokenUsage, ToolCall } from '../../providers/chat-model.ts';

/**
 * Asks a model once and gives its answer in the form in which steps are stored, with the provider's figures; null where it
 * gave none. @throws ProviderError.
 */
export async function askModel(
  model: ChatModel,
  request: ChatRequest,
): Promise<{ text: string; tool_calls: ToolCall[]; usage: TokenUsage | null }> {
  let text = '';
  const calls: ToolCall[] = [];
  let usage: TokenUsage | null = null;
  for await (const event of model.stream(request)) {
    if (event.type === 'text') text += event.text;
    if (event.type === 'usage') usage = event;
    if (event.type === 'tool-call') calls.push({ id: event.id, name: event.name, arguments: event.arguments });
  }
  return { text, tool_calls: calls, usage };
}
