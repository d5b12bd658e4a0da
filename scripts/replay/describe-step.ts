import type { PromptMessage, PromptToolCall } from '../../domain/prompting/prompt-message.ts';

/** A prompt as lines that can be compared; every difference of a message is a difference of these. */
export function describePrompt(messages: readonly PromptMessage[]): string {
  return messages
    .map((message) => {
      const calls = 'toolCalls' in message ? (message.toolCalls ?? []) : [];
      const of = 'toolCallId' in message ? ` (${message.toolCallId})` : '';
      return [`[${message.role}${of}]`, message.content, ...calls.map((call) => describeCall(call, true))].join('\n');
    })
    .join('\n\n');
}

/** What a model answered as lines; ids of calls are the provider's own, and differ each time. */
export function describeAnswer(response: Readonly<Record<string, unknown>>): string {
  const calls = (response['tool_calls'] ?? []) as PromptToolCall[];
  const text = typeof response['text'] === 'string' ? response['text'] : '';
  return [text, ...calls.map((call) => describeCall(call, false))].filter((line) => line !== '').join('\n');
}

function describeCall({ id, name, arguments: given }: PromptToolCall, withId: boolean): string {
  return `→ ${name}(${given})${withId ? ` ${id}` : ''}`;
}
