import type { ChunkMetadata } from '../domain/chunking/chunk-metadata.ts';

/** A JSON Schema, draft 2020-12 or 7, whose references stay inside of it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a function of an agent is made from: a row of `tools`, of `rag_tools` or of `retrieval_tools`. */
export type ToolType = 'tool' | 'builtin' | 'rag_tool' | 'retrieval_tool';

/** When a person must approve a call: never, always, or when its arguments meet a condition in the language of filters. */
export type ToolApproval =
  | { readonly mode: 'never' }
  | ({ readonly mode: 'always' } & ApprovalWait)
  | ({ readonly mode: 'when'; readonly condition: Readonly<Record<string, unknown>> } & ApprovalWait);

/** For how long a person may take before the call counts as denied; the usual time when left out. */
type ApprovalWait = { readonly expires_after_seconds?: number | undefined };

/** All that is known of a tool without running it. */
export interface ToolDefinition {
  readonly type: ToolType;
  readonly id: string;
  /** Of the tool's configuration; null for what has no versions. */
  readonly version: number | null;
  /** As the model sees it: `[a-zA-Z0-9_-]{1,64}`, unique among the tools of one agent. */
  readonly name: string;
  readonly description: string;
  /** Schema of the arguments, an object. */
  readonly parameters: JsonSchema;
  readonly effect: 'read' | 'write';
  /** Whether the same call may be sent again with the same key without a second effect. */
  readonly idempotent: boolean;
  readonly approval: ToolApproval;
  readonly timeoutMs: number;
  /** Most bytes of `content` in UTF-8. */
  readonly maxResultBytes: number;
}

/** A chunk that a search found, with all that is needed to show it, to cite it and to find the quote in it. */
export interface ToolPassage {
  readonly documentId: string;
  readonly generation: number;
  readonly chunkIndex: number;
  readonly title: string;
  readonly sourceUrl: string | null;
  readonly sourcePath: string | null;
  /** `startChar`–`endChar` of the document's text in UTF-16 units. */
  readonly content: string;
  readonly startChar: number;
  readonly endChar: number;
  readonly metadata: ChunkMetadata;
  /** The chunk with its neighbours; null when none were asked for. */
  readonly context: {
    readonly content: string;
    readonly startChar: number;
    readonly endChar: number;
    readonly chunks: readonly {
      readonly chunkIndex: number;
      readonly startChar: number;
      readonly endChar: number;
      readonly metadata: ChunkMetadata;
    }[];
  } | null;
  readonly score: number;
  /** The row of `models` whose vectors found it; null when words alone did. */
  readonly embeddingModelId: string | null;
}

/** What a call gave. An `isError` result is the service's own refusal: it happened, and the model is told of it. */
export interface ToolResult {
  /** For the model, within `maxResultBytes`; when cut, its end says how much is missing. */
  readonly content: string;
  readonly isError: boolean;
  /** What a search found, best first; whoever shows them numbers them, and `content` holds no text of theirs. */
  readonly passages?: readonly ToolPassage[];
  readonly truncated: boolean;
  /** Size of the whole result in bytes of UTF-8, before it was cut; a lower bound where the rest was not read. */
  readonly bytes: number;
}

/** The call behind a run. */
export interface ToolCallContext {
  /** Names the call for ever: sent as `Idempotency-Key` by tools that write. */
  readonly callId: string;
  readonly workspaceId: string;
  /** The row of `users` for whom the agent works. */
  readonly user: { readonly id: string };
  /** Stops the call and its HTTP request at once. */
  readonly signal: AbortSignal;
}

/**
 * The port to everything that a model can call. `run` makes one attempt, ends it after `timeoutMs`, and sends at most one
 * HTTP request that has an effect; its caller retries. It throws ToolError when there is no result, and `signal.reason`
 * when the signal aborts before anything was sent; arguments must have passed `validateArguments`.
 */
export interface Tool {
  readonly definition: ToolDefinition;
  run(args: Readonly<Record<string, unknown>>, call: ToolCallContext): Promise<ToolResult>;
}
