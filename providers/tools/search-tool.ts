import { PerdureError } from '../../contracts/errors.ts';
import { ProviderError } from '../provider-error.ts';
import { ToolError } from '../tool-error.ts';
import type { Tool, ToolDefinition, ToolPassage } from '../tool.ts';

/** One search on behalf of a call. */
export interface DocumentQuestion {
  readonly workspaceId: string;
  readonly userId: string;
  readonly query: string;
  /** Fewer or more hits than the tool gives by itself. */
  readonly limit: number | null;
  readonly signal: AbortSignal;
}

/** Searches documents as one RAG or retrieval tool does, best first; whoever makes the tools brings it along. */
export type SearchDocuments = (question: DocumentQuestion) => Promise<readonly ToolPassage[]>;

/** What a search takes. */
export const searchParameters = {
  type: 'object',
  properties: {
    query: {
      type: 'string',
      minLength: 1,
      maxLength: 2000,
      description: 'What to look for, in words of the documents',
    },
    limit: { type: 'integer', minimum: 1, maximum: 50, description: 'The most passages; left out, as the tool is set' },
  },
  required: ['query'],
  additionalProperties: false,
} as const;

/** A tool that finds passages of documents, which the answer can cite. */
export function createSearchTool(definition: ToolDefinition, search: SearchDocuments): Tool {
  return {
    definition,
    async run(args, { workspaceId, user, signal }) {
      signal.throwIfAborted();
      const own = AbortSignal.timeout(definition.timeoutMs);
      const question = {
        workspaceId,
        userId: user.id,
        query: String(args.query),
        limit: typeof args.limit === 'number' ? args.limit : null,
        signal: AbortSignal.any([signal, own]),
      };
      const passages = await search(question).catch((error: unknown) => {
        signal.throwIfAborted();
        throw toToolError(error);
      });
      const fitting = fit(passages, definition.maxResultBytes);
      const content = describeFound(fitting.length);
      const bytes = passages.reduce((sum, passage) => sum + sizeOf(passage), Buffer.byteLength(content));
      return { content, isError: false, passages: fitting, truncated: fitting.length < passages.length, bytes };
    },
  };
}

/** A search changes nothing, so whatever stopped it, it may be made again. */
function toToolError(error: unknown): ToolError {
  const outcome = 'not_started';
  if (error instanceof PerdureError) return new ToolError(error.code, error.detail, { outcome });
  if (error instanceof ProviderError)
    return new ToolError(`provider_${error.code}`, error.message, {
      outcome,
      retryable: error.retryable,
      retryAfterMs: error.retryAfterMs,
    });
  return new ToolError('tool_unavailable', 'The documents could not be searched.', { outcome });
}

function describeFound(count: number): string {
  if (count === 0) return 'Nothing was found. Try other words.';
  return count === 1 ? '1 passage was found.' : `${count} passages were found.`;
}

/** The best passages whose texts fit; the first is always among them. */
function fit(passages: readonly ToolPassage[], maxBytes: number): ToolPassage[] {
  let size = 0;
  return passages.filter((passage, index) => (size += sizeOf(passage)) <= maxBytes || index === 0);
}

function sizeOf({ title, content, context }: ToolPassage): number {
  return Buffer.byteLength(title) + Buffer.byteLength(context?.content ?? content);
}
