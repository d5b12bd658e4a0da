import { createChatQueryRewriter } from '../../providers/chat/chat-query-rewriter.ts';
import { createChatReranker } from '../../providers/chat/chat-reranker.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import type { ToolPassage } from '../../providers/tools/tool.ts';
import type { ModelRow } from '../../entities/search/search-setup-repository.ts';
import type { Exchange } from '../../domain/prompting/exchanges-of.ts';
import { searchByTool } from '../../retrieval/search-by-tool.ts';
import type { SearchModels } from '../../retrieval/search-by-tool.ts';
import type { SearchHit } from '../../retrieval/search-outcome.ts';
import type { Attempt } from './begin-attempt.ts';
import type { ConversationDeps, StoredModel } from './conversation-deps.ts';
import { numberPassages, type Passage } from './passage-text.ts';

/** Searches with each of the RAG tools for the question and numbers what they find; writes nothing. */
export async function retrievePassages(
  deps: ConversationDeps,
  attempt: Attempt,
  search: { toolIds: readonly string[]; history: readonly Exchange[] },
  signal: AbortSignal,
): Promise<Passage[]> {
  const found: ToolPassage[] = [];
  for (const toolId of search.toolIds) {
    const outcome = await searchByTool(searchModels(deps), {
      workspaceId: attempt.workspaceId,
      body: { query: attempt.context.question, rag_tool: toolId, filters: {} },
      user: { id: attempt.context.user_id },
      history: search.history,
      signal,
    });
    found.push(...(outcome?.hits ?? []).map((hit) => toPassage(hit, outcome?.modelId ?? null)));
  }
  return numberPassages([], found);
}

function toPassage(hit: SearchHit, embeddingModelId: string | null): ToolPassage {
  const { documentId, generation, chunkIndex, title, sourceUrl, sourcePath, score } = hit;
  const { content, startChar, endChar, metadata, context } = hit;
  return {
    ...{ documentId, generation, chunkIndex, title, sourceUrl, sourcePath, score },
    ...{ content, startChar, endChar, metadata, context, embeddingModelId },
  };
}

function searchModels(deps: ConversationDeps): SearchModels {
  return {
    database: deps.database,
    textAnalyzer,
    embeddingModel: (model) => deps.embeddingModel(stored(model)),
    reranker: (model, paid) => createChatReranker(deps.chatModel(stored(model)), paid),
    queryRewriter: (model, paid) => createChatQueryRewriter(deps.chatModel(stored(model)), paid),
  };
}

function stored({ provider, model_id, endpoint, api_key, capabilities, dimensions }: ModelRow): StoredModel {
  const known = { ...capabilities, ...(dimensions !== null && { dimensions }) };
  return { provider, modelId: model_id, endpoint, apiKey: api_key, capabilities: known };
}
