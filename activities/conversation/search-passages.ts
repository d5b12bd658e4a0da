import { storedModel } from '../../entities/agents/stored-model.ts';
import { createChatQueryRewriter } from '../../providers/chat/chat-query-rewriter.ts';
import { createChatReranker } from '../../providers/chat/chat-reranker.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import type { ToolPassage } from '../../providers/tool.ts';
import { searchByTool } from '../../retrieval/search-by-tool.ts';
import type { SearchModels, ToolSearch } from '../../retrieval/search-by-tool.ts';
import type { SearchHit } from '../../retrieval/search-outcome.ts';
import type { ConversationDeps } from './conversation-deps.ts';

/** What a search in a turn works with. */
export type SearchDeps = Pick<ConversationDeps, 'database' | 'chatModel' | 'embeddingModel'>;

/** Searches as a tool says and gives what was found, best first; nothing when its sources have nothing in common. */
export async function searchPassages(deps: SearchDeps, asked: ToolSearch): Promise<ToolPassage[]> {
  const outcome = await searchByTool(searchModels(deps), asked);
  return (outcome?.hits ?? []).map((hit) => toPassage(hit, outcome?.modelId ?? null));
}

function toPassage(hit: SearchHit, embeddingModelId: string | null): ToolPassage {
  const { documentId, generation, chunkIndex, title, sourceUrl, sourcePath, score } = hit;
  const { content, startChar, endChar, metadata, context } = hit;
  return {
    ...{ documentId, generation, chunkIndex, title, sourceUrl, sourcePath, score },
    ...{ content, startChar, endChar, metadata, context, embeddingModelId },
  };
}

/** Opens the models that a search names. */
export function searchModels(deps: SearchDeps): SearchModels {
  return {
    database: deps.database,
    textAnalyzer,
    embeddingModel: (model) => deps.embeddingModel(storedModel(model)),
    reranker: (model, paid) => createChatReranker(deps.chatModel(storedModel(model)), paid),
    queryRewriter: (model, paid) => createChatQueryRewriter(deps.chatModel(storedModel(model)), paid),
  };
}
