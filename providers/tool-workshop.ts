import type { ApiToolConfiguration, BuiltinConfiguration, ToolCredentials } from '../contracts/tool-configuration.ts';
import type { JsonSchema, Tool, ToolApproval } from './tool.ts';

/** A row of `tools`, or one of its versions with the credentials of today, which are sealed. */
export interface StoredTool {
  readonly id: string;
  readonly version: number;
  readonly description: string;
  readonly type: 'api' | 'builtin';
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly parameters: JsonSchema;
  readonly credentials?: string | null | undefined;
  readonly effect: 'read' | 'write';
  readonly idempotent: boolean;
  readonly approval: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  readonly maxResultBytes: number;
}

/** A declaration of a tool whose parts are each well formed. */
export interface DeclaredTool {
  readonly type: 'api' | 'builtin';
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly parameters: JsonSchema;
  readonly effect: 'read' | 'write';
  readonly approval: ToolApproval;
  /** Null when there are none, or when those that are stored stay. */
  readonly credentials: ToolCredentials | null;
}

/** An operation of an OpenAPI document as a tool that could be made of it. */
export interface OperationTool {
  /** Method and path, as in `GET /orders/{id}`. */
  readonly operation: string;
  readonly name: string;
  readonly description: string;
  readonly effect: 'read' | 'write';
  readonly configuration: ApiToolConfiguration;
  readonly parameters: JsonSchema;
  readonly warnings: readonly string[];
}

/** What the operations of an OpenAPI document gave; those that cannot be called from here are skipped with a reason. */
export interface ReadOperations {
  /** The document's title. */
  readonly title: string;
  readonly tools: readonly OperationTool[];
  readonly skipped: readonly { operation: string; reason: string }[];
  /** Names asked for that no operation has. */
  readonly unknown: readonly string[];
}

/** The port to everything that declarations of tools are checked with and made into tools by. */
export interface ToolWorkshop {
  /** Makes a tool that a model calls `name`. One whose credentials cannot be opened says so when it is called. */
  open(row: StoredTool, name: string): Tool;
  /** What in a declaration would make each call fail, or do other than it says. */
  findToolMistakes(tool: DeclaredTool): { path: string; message: string }[];
  /** What a built-in tool takes and what it is for. */
  describeBuiltin(name: BuiltinConfiguration['builtin']): { description: string; parameters: JsonSchema };
  /** Reads the arguments of a call and holds them against their schema. */
  validateArguments(
    parameters: JsonSchema,
    jsonText: string,
  ): { arguments: Record<string, unknown> } | { reason: string };
  /** Whether a call with these arguments waits for a person. */
  needsApproval(approval: ToolApproval, args: Readonly<Record<string, unknown>>): boolean;
  /**
   * Makes tools of an OpenAPI 3 document's operations: of those that `wanted` names by operationId or as `GET /path`,
   * else of all. `server` goes before the document's own, which may be relative to `documentUrl`.
   * @throws PerdureError `bad_request` when it is no such document.
   */
  readOpenApi(
    document: string | Readonly<Record<string, unknown>>,
    options: { wanted: readonly string[] | null; server: string | null; documentUrl: string | null },
  ): ReadOperations;
  /** The text of an OpenAPI document at an address. @throws FetchError */
  fetchOpenApi(url: string): Promise<string>;
}
