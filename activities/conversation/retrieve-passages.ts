import type { ToolPassage } from '../../providers/tool.ts';
import type { Exchange } from '../../domain/prompting/exchanges-of.ts';
import type { Attempt } from './begin-attempt.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { numberPassages, type Passage } from './passage-text.ts';
import { searchPassages } from './search-passages.ts';

/** Searches with each of the RAG tools for the question and numbers what they find; writes nothing. */
export async function retrievePassages(
  deps: ConversationDeps,
  attempt: Attempt,
  search: { toolIds: readonly string[]; history: readonly Exchange[] },
  signal: AbortSignal,
): Promise<Passage[]> {
  const found: ToolPassage[] = [];
  for (const toolId of search.toolIds) {
    const hits = await searchPassages(deps, {
      workspaceId: attempt.workspaceId,
      body: { query: attempt.context.question, rag_tool: toolId, filters: {} },
      user: { id: attempt.context.user_id },
      history: search.history,
      signal,
    });
    found.push(...hits);
  }
  return numberPassages([], found);
}
