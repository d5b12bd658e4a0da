import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { retrievalParamsSchema, searchRequestSchema, searchResultSchema } from '../../contracts/search.ts';
import { RetrievalTool } from '../../entities/index.ts';
import { findSearchSetup } from '../../entities/search/search-setup-repository.ts';
import { search } from '../../retrieval/search.ts';
import type { SearchHit } from '../../retrieval/search.ts';
import { defaultUser } from '../framework/acting-user.ts';
import { requireReference, unknownReference } from '../framework/require-reference.ts';
import { defineRoute } from '../framework/route.ts';
import type { RouteRequest } from '../framework/route.ts';

type SearchRequest = z.infer<typeof searchRequestSchema>;

/** Routes of search. */
export const searchRoutes = [
  defineRoute({
    method: 'POST',
    path: '/search',
    tag: 'Search',
    summary: 'Find passages of the documents that a user may see, best first',
    description:
      'Sees the served generations of the global documents and of those of the user (the field user, else the header ' +
      'x-perdure-user, else `default`).',
    scope: 'documents:read',
    body: searchRequestSchema,
    responses: { 200: searchResultSchema },
    problems: [502, 504],
    example: { query: 'When is the office open?', top_k: 3 },
    handle: async (request, deps) => {
      const { workspaceId } = request.principal;
      const plan = await deps.database.inWorkspace(workspaceId, (em) => planSearch(em, request));
      if (plan === null) return { status: 200, body: { hits: [] } };
      const { model, ...rest } = plan;
      const hits = await search(
        { database: deps.database, embeddingModel: deps.embeddingModel(model) },
        { workspaceId, modelId: model.id, query: request.body.query, ...rest },
      );
      return { status: 200, body: { hits: hits.map(presentHit) } };
    },
  }),
];

/** What the request and its tools say together; null when they ask for two different sources, which share nothing. */
async function planSearch(em: EntityManager, { body, user }: RouteRequest<unknown, unknown, SearchRequest>) {
  const tool = await findSearchSetup(em, { ragTool: body.rag_tool, user: body.user ?? user ?? defaultUser });
  if (tool === null) throw unknownReference('rag_tools', 'body.rag_tool', body.rag_tool);
  const retrieval = await findRetrievalTool(em, body.retrieval_tool);
  const wanted = body.filters.knowledge_source;
  const filter = wanted && (await requireReference(em, 'knowledge_sources', 'body.filters.knowledge_source', wanted));
  const sources = new Set([tool.knowledge_source_id, retrieval?.knowledgeSourceId, filter].filter((id) => id != null));
  if (sources.size > 1) return null;
  const params = retrievalParamsSchema.safeParse(tool.retrieval_params).data ?? {};
  return {
    model: tool.model,
    userId: tool.user_id,
    limit: body.top_k ?? tool.top_k,
    knowledgeSourceId: [...sources][0] ?? null,
    strategy: body.strategy ?? retrieval?.retrievalStrategy ?? params.strategy ?? 'hybrid',
    ...(params.metric && { metric: params.metric }),
    ...(params.candidates && { candidates: params.candidates }),
    ...(params.ef_search && { efSearch: params.ef_search }),
  };
}

async function findRetrievalTool(em: EntityManager, nameOrId: string | undefined): Promise<RetrievalTool | null> {
  if (nameOrId === undefined) return null;
  const id = await requireReference(em, 'retrieval_tools', 'body.retrieval_tool', nameOrId);
  return em.findOneOrFail(RetrievalTool, { id });
}

function presentHit(hit: SearchHit): z.infer<typeof searchResultSchema>['hits'][number] {
  return {
    document_id: hit.documentId,
    generation: hit.generation,
    chunk_index: hit.chunkIndex,
    title: hit.title,
    source_url: hit.sourceUrl,
    path: hit.sourcePath,
    content: hit.content,
    start_char: hit.startChar,
    end_char: hit.endChar,
    metadata: hit.metadata,
    score: hit.score,
    dense: hit.denseRank === null ? null : { rank: hit.denseRank, score: hit.denseScore ?? 0 },
    text: hit.textRank === null ? null : { rank: hit.textRank, score: hit.textScore ?? 0 },
  };
}
