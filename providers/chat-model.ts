/** A request by the model to run one tool; `arguments` is the JSON text exactly as the model wrote it, not validated. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** One message of a prompt, in the roles that chat-completion protocols share. */
export type ChatMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly toolCalls?: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly toolCallId: string; readonly content: string };

/** A tool offered to the model; `parameters` is a JSON Schema object. */
interface ChatTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A numbered passage that the prompt gives the model to cite as `[n]`; the messages carry the same text. */
export interface Passage {
  readonly n: number;
  readonly title: string;
  readonly text: string;
}

/** Everything one call to a chat model needs; no field is invented by an adapter. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** The passages behind the messages, for adapters that answer without a language model; others ignore them. */
  readonly passages?: readonly Passage[];
  readonly tools?: readonly ChatTool[];
  /** `none` forbids tool calls though tools are listed (the last step of a loop); the default is `auto`. */
  readonly toolChoice?: 'auto' | 'none' | 'required';
  readonly temperature?: number;
  /** The most tokens the answer may have. */
  readonly maxTokens?: number;
  /** Names this call for ever: sent as `Idempotency-Key`, found again in the provider's log and in usage rows. */
  readonly callId?: string;
}

/** Why the model stopped: its own end, the token limit, tool calls to run, a filter, or a reason unknown here. */
export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other';

/** Tokens of one call as the provider reports them; null means unknown, never zero. */
export interface TokenUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number | null;
}

/**
 * What a chat model streams: any number of `text` and `reasoning` deltas (never empty), then complete `tool-call`s in
 * the model's order, then exactly one `usage`, then exactly one `finish`, which is last.
 */
export type ChatEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | ({ readonly type: 'tool-call' } & ToolCall)
  | ({ readonly type: 'usage' } & TokenUsage)
  | {
      readonly type: 'finish';
      readonly reason: FinishReason;
      /** The provider's id of this response, for its support and for traces. */
      readonly responseId: string | null;
      /** The exact model that answered, which may be a dated version of the one asked for. */
      readonly responseModel: string | null;
    };

/** Options of one call that are not part of what is asked. */
export interface CallOptions {
  /** Stops the call and its HTTP request at once. */
  readonly signal?: AbortSignal;
}

/**
 * The port to a chat model. `stream` makes exactly one attempt and never retries: its caller does.
 * Iterating throws ProviderError when the provider fails, and `signal.reason` itself when the signal aborts.
 * Leaving the loop early ends the HTTP request.
 */
export interface ChatModel {
  /** The provider's name as OpenTelemetry's `gen_ai.provider.name` spells it. */
  readonly provider: string;
  /** The provider's own id of the model. */
  readonly id: string;
  /** Tokens that prompt and answer may have together. */
  readonly contextWindow: number;
  /** Whether `tools` are understood; an adapter without them throws ProviderError `invalid_request` if any is given. */
  readonly supportsTools: boolean;
  stream(request: ChatRequest, options?: CallOptions): AsyncIterable<ChatEvent>;
}
