import type { EventSourceMessage } from 'eventsource-parser';
import { APIError } from 'openai';
import type OpenAI from 'openai';
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';

import type { CallOptions, ChatEvent, ChatMessage, ChatModel, ChatRequest, FinishReason } from '../chat-model.ts';
import { ProviderError } from '../provider-error.ts';
import { classifyOpenAiError, unusableResponse } from './classify-openai-error.ts';
import { readEvents } from './read-events.ts';
import { ToolCallCollector } from './tool-call-collector.ts';

/** What is known about a chat model that speaks OpenAI's chat completions. */
export interface OpenAiChatModelOptions {
  readonly client: OpenAI;
  readonly modelId: string;
  /** Tokens that prompt and answer may have together. */
  readonly contextWindow: number;
  readonly supportsTools: boolean;
  /** OpenAI's newer models refuse `max_tokens`; compatible servers often know no other. */
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens';
}

type Delta = ChatCompletionChunk.Choice.Delta & { reasoning_content?: string | null; reasoning?: string | null };

/** What the stream has said so far that is reported at its end. */
interface Ending {
  responseId: string | null;
  responseModel: string | null;
  finishReason: string | null;
  usage: OpenAI.CompletionUsage | null;
}

/** A chat model behind OpenAI's chat-completions protocol: one HTTP request per call, streamed, with usage. */
export function createOpenAiChatModel(options: OpenAiChatModelOptions): ChatModel {
  const { modelId, contextWindow, supportsTools } = options;
  return {
    provider: 'openai',
    id: modelId,
    contextWindow,
    supportsTools,
    stream: (request, callOptions) => streamChat(options, request, callOptions),
  };
}

async function* streamChat(
  options: OpenAiChatModelOptions,
  request: ChatRequest,
  { signal }: CallOptions = {},
): AsyncGenerator<ChatEvent, void, undefined> {
  signal?.throwIfAborted();
  if (!options.supportsTools && request.tools !== undefined && request.tools.length > 0) {
    const message = `Model ${options.modelId} does not take tools: give none, or set its capability supportsTools.`;
    throw new ProviderError('invalid_request', message, { retryable: false });
  }
  const toolCalls = new ToolCallCollector();
  const ending: Ending = { responseId: null, responseModel: null, finishReason: null, usage: null };
  let chunks = 0;
  try {
    const response = await options.client.chat.completions
      .create(toParameters(options, request), {
        ...(signal === undefined ? {} : { signal }),
        ...(request.callId === undefined ? {} : { headers: { 'Idempotency-Key': request.callId } }),
      })
      .asResponse();
    // The SDK's own reader takes most of a short call's time, with several generators for each event.
    for await (const events of readEvents(response)) {
      for (const event of events) {
        chunks += 1;
        const delta = read(toChunk(event, response), ending);
        if (delta === null) continue;
        const { reasoning_content: reasoning = delta.reasoning, content, refusal, tool_calls: calls } = delta;
        if (reasoning) yield { type: 'reasoning', text: reasoning };
        if (content) yield { type: 'text', text: content };
        if (refusal) yield { type: 'text', text: refusal };
        if (calls) for (const call of calls) toolCalls.add(call);
        signal?.throwIfAborted();
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw classifyOpenAiError(error, options.modelId);
  }
  if (chunks === 0) throw unusableResponse('malformed_response', options.modelId, 'answered without a single event');
  if (ending.finishReason === null) {
    throw unusableResponse('unavailable', options.modelId, 'broke off before the end of its answer');
  }
  yield* toFinalEvents(toolCalls, ending);
}

/** Reads one event; providers tell of failures after the answer has begun in events too. */
function toChunk({ event, data }: EventSourceMessage, { headers }: Response): ChatCompletionChunk {
  const chunk = JSON.parse(data) as ChatCompletionChunk & { error?: object };
  if (event === 'error' || chunk?.error) throw new APIError(undefined, chunk?.error ?? chunk, undefined, headers);
  return chunk;
}

/** Keeps what is reported at the end, and returns the choice's delta. */
function read(chunk: ChatCompletionChunk, ending: Ending): Delta | null {
  ending.responseId ??= chunk.id || null;
  ending.responseModel ??= chunk.model || null;
  // Some servers report a running count on every chunk: the last one holds.
  ending.usage = chunk.usage ?? ending.usage;
  const choice = chunk.choices?.[0];
  if (choice === undefined) return null;
  ending.finishReason = choice.finish_reason ?? ending.finishReason;
  return choice.delta ?? null;
}

function* toFinalEvents(collector: ToolCallCollector, ending: Ending): Generator<ChatEvent> {
  const toolCalls = collector.finish(ending.responseId);
  for (const call of toolCalls) yield { type: 'tool-call', ...call };
  yield {
    type: 'usage',
    promptTokens: ending.usage?.prompt_tokens ?? null,
    completionTokens: ending.usage?.completion_tokens ?? null,
    totalTokens: ending.usage?.total_tokens ?? null,
  };
  const { responseId, responseModel } = ending;
  const reason = finishReasons.get(ending.finishReason) ?? 'other';
  // Ollama says `stop` after tool calls too.
  const meant = reason === 'stop' && toolCalls.length > 0 ? 'tool-calls' : reason;
  yield { type: 'finish', reason: meant, responseId, responseModel };
}

const finishReasons: ReadonlyMap<string | null, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['content_filter', 'content-filter'],
]);

function toParameters(options: OpenAiChatModelOptions, request: ChatRequest): ChatCompletionCreateParamsStreaming {
  const { temperature, maxTokens, tools, toolChoice } = request;
  return {
    model: options.modelId,
    messages: request.messages.map(toMessage),
    stream: true,
    stream_options: { include_usage: true },
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { [options.maxTokensField]: maxTokens }),
    ...(tools === undefined || tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function' as const,
            function: { name, description, parameters },
          })),
          ...(toolChoice === undefined ? {} : { tool_choice: toolChoice }),
        }),
  };
}

function toMessage(message: ChatMessage): ChatCompletionMessageParam {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content: message.content };
  if (message.role !== 'assistant') return { role: message.role, content: message.content };
  const { content, toolCalls } = message;
  if (toolCalls === undefined || toolCalls.length === 0) return { role: 'assistant', content };
  return {
    role: 'assistant',
    content: content === '' ? null : content,
    tool_calls: toolCalls.map((call) => ({
      id: call.id,
      type: 'function' as const,
      function: { name: call.name, arguments: call.arguments },
    })),
  };
}
