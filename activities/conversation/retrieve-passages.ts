import type { ToolPassage } from '../../providers/tool.ts';
import type { Exchange } from '../../domain/prompting/exchanges-of.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import type { Attempt } from './begin-attempt.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { numberPassages, type Passage } from './passage-text.ts';
import { searchPassages } from './search-passages.ts';

/** Thrown where the model with which a RAG tool searches has failed. */
export class RetrievalFault extends Error {
  readonly ragToolId: string;
  readonly fault: ProviderError;

  constructor(ragToolId: string, fault: ProviderError) {
    super(fault.message);
    this.name = 'RetrievalFault';
    this.ragToolId = ragToolId;
    this.fault = fault;
  }
}

/** Searches with each of the RAG tools for the question and numbers what they find; writes nothing. @throws RetrievalFault */
export async function retrievePassages(
  deps: ConversationDeps,
  attempt: Attempt,
  search: { toolIds: readonly string[]; history: readonly Exchange[] },
  signal: AbortSignal,
): Promise<Passage[]> {
  const found: ToolPassage[] = [];
  for (const toolId of search.toolIds) {
    try {
      const hits = await searchPassages(deps, {
        workspaceId: attempt.workspaceId,
        body: { query: attempt.context.question, rag_tool: toolId, filters: {} },
        user: { id: attempt.context.user_id },
        history: search.history,
        signal,
      });
      found.push(...hits);
    } catch (error) {
      throw error instanceof ProviderError ? new RetrievalFault(toolId, error) : error;
    }
  }
  return numberPassages([], found);
}
