import { endStep, startStep } from '../../entities/conversations/turn-attempt-repository.ts';
import type { ModelRow } from '../../entities/search/search-setup-repository.ts';
import { createChatQueryRewriter } from '../../providers/chat/chat-query-rewriter.ts';
import { createChatReranker } from '../../providers/chat/chat-reranker.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import { searchByTool } from '../../retrieval/search-by-tool.ts';
import type { SearchModels } from '../../retrieval/search-by-tool.ts';
import type { SearchHit } from '../../retrieval/search-outcome.ts';
import type { Attempt } from './begin-attempt.ts';
import type { ConversationDeps, StoredModel } from './conversation-deps.ts';
import { fenced } from './turn-failure.ts';

/** Step number of the retrieval; the model call follows it. */
export const retrievalStep = 0;

/** A hit with the number by which the answer cites it and the model whose vectors found it. */
export type Passage = { n: number; hit: SearchHit; embeddingModelId: string | null };

/** Whether the turn's agent has a RAG tool. */
export function retrieves(attempt: Attempt): boolean {
  return ragToolsOf(attempt).length > 0;
}

function ragToolsOf(attempt: Attempt): string[] {
  return attempt.context.tools.filter((tool) => tool.type === 'rag_tool').map((tool) => tool.id);
}

/**
 * Searches with each of the agent's RAG tools for the question and numbers the hits; the step's row keeps which chunks
 * were found.
 */
export async function retrievePassages(
  deps: ConversationDeps,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Passage[]> {
  const toolIds = ragToolsOf(attempt);
  await deps.database.inWorkspace(attempt.workspaceId, async (em) => {
    const started = await startStep(em, {
      ...attempt,
      step: retrievalStep,
      kind: 'retrieve',
      request: { rag_tools: toolIds, query: attempt.context.question },
    });
    if (!started) throw fenced();
  });
  const passages: Passage[] = [];
  const known = new Set<string>();
  for (const toolId of toolIds) {
    const outcome = await searchByTool(searchModels(deps), {
      workspaceId: attempt.workspaceId,
      body: { query: attempt.context.question, rag_tool: toolId, filters: {} },
      user: { id: attempt.context.user_id },
      history: attempt.history,
      signal,
    });
    if (outcome === null) continue;
    for (const hit of outcome.hits) {
      const key = `${hit.documentId}/${hit.generation}/${hit.chunkIndex}`;
      if (known.has(key)) continue;
      known.add(key);
      passages.push({ n: passages.length + 1, hit, embeddingModelId: outcome.modelId });
    }
  }
  await deps.database.inWorkspace(attempt.workspaceId, (em) =>
    endStep(em, {
      turnId: attempt.turnId,
      step: retrievalStep,
      attempt: attempt.attempt,
      state: 'succeeded',
      response: {
        chunks: passages.map(({ n, hit }) => ({
          n,
          document_id: hit.documentId,
          generation: hit.generation,
          chunk_index: hit.chunkIndex,
          score: hit.score,
        })),
      },
    }),
  );
  return passages;
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
