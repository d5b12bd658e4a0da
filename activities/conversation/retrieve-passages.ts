import { retrievalParamsSchema } from '../../contracts/search.ts';
import { findRagTools } from '../../entities/agents/rag-tool-repository.ts';
import { endStep, startStep } from '../../entities/conversations/turn-attempt-repository.ts';
import { search, type SearchHit } from '../../retrieval/search.ts';
import type { Attempt } from './begin-attempt.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { fenced } from './turn-failure.ts';

/** Step number of the retrieval; the model call follows it. */
export const retrievalStep = 0;

/** A hit with the number by which the answer cites it and the model whose vectors found it. */
export type Passage = { n: number; hit: SearchHit; embeddingModelId: string };

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
  const tools = await deps.database.inWorkspace(attempt.workspaceId, async (em) => {
    const started = await startStep(em, {
      ...attempt,
      step: retrievalStep,
      kind: 'retrieve',
      request: { rag_tools: toolIds, query: attempt.context.question },
    });
    if (!started) throw fenced();
    return findRagTools(em, toolIds);
  });
  const passages: Passage[] = [];
  const known = new Set<string>();
  for (const tool of tools) {
    const params = retrievalParamsSchema.safeParse(tool.retrieval_params).data ?? {};
    const hits = await search(
      {
        database: deps.database,
        embeddingModel: deps.embeddingModel({
          provider: tool.provider,
          modelId: tool.provider_model_id,
          endpoint: tool.endpoint,
          apiKey: tool.api_key,
          capabilities: tool.capabilities,
        }),
      },
      {
        workspaceId: attempt.workspaceId,
        userId: attempt.context.user_id,
        modelId: tool.model_id,
        query: attempt.context.question,
        limit: tool.top_k,
        knowledgeSourceId: tool.knowledge_source_id,
        signal,
        ...(params.strategy && { strategy: params.strategy }),
        ...(params.metric && { metric: params.metric }),
        ...(params.candidates && { candidates: params.candidates }),
        ...(params.ef_search && { efSearch: params.ef_search }),
      },
    );
    for (const hit of hits) {
      const key = `${hit.documentId}/${hit.generation}/${hit.chunkIndex}`;
      if (known.has(key)) continue;
      known.add(key);
      passages.push({ n: passages.length + 1, hit, embeddingModelId: tool.model_id });
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
