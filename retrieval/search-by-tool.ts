import { PerdureError } from '../contracts/errors.ts';
import { knowledgeSourceFilterSchema, retrievalParamsSchema } from '../contracts/search.ts';
import type { RetrievalParams, SearchBody } from '../contracts/search.ts';
import { defaultFusion, defaultRankConstant } from '../domain/ranking/fuse-lists.ts';
import type { Fusion } from '../domain/ranking/fuse-lists.ts';
import { findSearchSetup } from '../entities/search/search-setup-repository.ts';
import type { ModelRow, SearchSetup } from '../entities/search/search-setup-repository.ts';
import type { EmbeddingModel } from '../providers/embedding-model.ts';
import type { PaidCall } from '../providers/paid-call.ts';
import type { PastExchange, QueryRewriter } from '../providers/query-rewriter.ts';
import type { Reranker } from '../providers/reranker.ts';
import type { TextAnalyzer } from '../providers/text-analyzer.ts';
import { payForCalls } from './pay-for-calls.ts';
import type { PayingDatabase } from './pay-for-calls.ts';
import { requireFilter } from './require-filter.ts';
import type { SearchOutcome } from './search-outcome.ts';
import { search } from './search.ts';
import { StageClock } from './stage-clock.ts';

/** How the models that a search names are opened; their keys are still sealed. */
export interface SearchModels {
  database: PayingDatabase;
  textAnalyzer: Pick<TextAnalyzer, 'analyze'>;
  embeddingModel(model: ModelRow): Pick<EmbeddingModel, 'embed'>;
  reranker(model: ModelRow, paid: PaidCall): Reranker;
  queryRewriter(model: ModelRow, paid: PaidCall): QueryRewriter;
}

/** A question to a RAG tool: the body of `POST /search`, whose search it is, and what was said before. */
export interface ToolSearch {
  workspaceId: string;
  body: SearchBody;
  /** Who asks: the row of `users`, or the external id by which it is found. */
  user: { id: string } | { externalId: string };
  history?: readonly PastExchange[];
  signal?: AbortSignal;
}

/**
 * Searches as the request, the retrieval tool and the RAG tool say, in that order of precedence; filters of all three must
 * hold. Null when they ask for different sources, which share nothing.
 * @throws PerdureError `bad_request`, `invalid_filter` or `unknown_model` that names the field; what `search` throws.
 */
export async function searchByTool(models: SearchModels, asked: ToolSearch): Promise<SearchOutcome | null> {
  const { workspaceId, body, signal } = asked;
  const clock = new StageClock();
  const { knowledge_source: named, ...filter } = body.filters;
  const sourceNames = readSourceNames(named);
  requireFilter(filter, 'body.filters');
  const { rerank, rewrite } = body;
  const setup = await models.database.autocommit((em) =>
    findSearchSetup(em, {
      workspaceId,
      ragTool: body.rag_tool,
      retrievalTool: body.retrieval_tool ?? null,
      sources: sourceNames,
      chatModels: [rerank?.model, rewrite?.model].filter((name) => name !== undefined),
      user: 'externalId' in asked.user ? asked.user.externalId : null,
    }),
  );
  clock.end('setup');
  const { tool, retrieval } = requireTools(setup, body);
  const sourceIds = commonSources([
    tool.knowledge_source_id === null ? null : [tool.knowledge_source_id],
    retrieval?.knowledge_source_id == null ? null : [retrieval.knowledge_source_id],
    requireSources(setup, sourceNames),
  ]);
  if (sourceIds?.length === 0) return null;
  const stored = retrievalParamsSchema.safeParse(tool.retrieval_params).data ?? {};
  const params = { ...stored, ...given(body) };
  const chatModels = [...(setup.chat_models ?? [])];
  const rerankModel = chooseChatModel('rerank', rerank, stored.rerank, tool.rerank_model, chatModels);
  const rewriteModel = chooseChatModel('rewrite', rewrite, stored.rewrite, tool.rewrite_model, chatModels);
  const filters = [stored.filters, retrieval?.filters, filter].filter(
    (each): each is Record<string, unknown> => each !== undefined && Object.keys(each).length > 0,
  );
  const strategy = body.strategy ?? retrieval?.strategy ?? stored.strategy ?? 'hybrid';
  const pay = (model: ModelRow) =>
    payForCalls(
      models.database,
      { workspaceId, ragToolId: tool.id, model },
      { tokens: estimateTokens(body.query), signal },
    );
  return search(
    {
      database: models.database,
      textAnalyzer: models.textAnalyzer,
      embeddingModel: strategy === 'text' ? null : paidEmbedding(models.embeddingModel(tool.model), pay(tool.model)),
      reranker: rerankModel && models.reranker(rerankModel, pay(rerankModel)),
      queryRewriter: rewriteModel && models.queryRewriter(rewriteModel, pay(rewriteModel)),
    },
    {
      workspaceId,
      userId: 'id' in asked.user ? asked.user.id : setup.user_id,
      modelId: tool.model.id,
      modelName: tool.model.name,
      query: body.query,
      languages: setup.languages,
      limit: body.top_k ?? tool.top_k,
      strategy,
      sourceIds,
      filter: filters.length > 1 ? { and: filters } : (filters[0] ?? null),
      ...(params.fusion && { fusion: toFusion(params.fusion) }),
      ...(params.metric && { metric: params.metric }),
      ...(params.candidates && { candidates: params.candidates }),
      ...(params.ef_search && { efSearch: params.ef_search }),
      minScore: params.min_score ?? null,
      neighbours: params.neighbours ?? 0,
      maxPerDocument: params.max_per_document ?? null,
      ...(params.rerank?.candidates && { rerankCandidates: params.rerank.candidates }),
      ...(asked.history && { history: asked.history }),
      ...(signal && { signal }),
    },
    clock,
  );
}

/** The embedding model of a query, whose calls are paid for. */
function paidEmbedding(model: Pick<EmbeddingModel, 'embed'>, paid: PaidCall): Pick<EmbeddingModel, 'embed'> {
  return {
    embed: (texts, options) =>
      paid(async (callId) => {
        const value = await model.embed(texts, { ...options, ...(callId !== undefined && { callId }) });
        const { promptTokens } = value.usage;
        return { value, usage: { promptTokens, completionTokens: null, totalTokens: promptTokens } };
      }),
  };
}

/** About four characters a token in English, and one in Chinese; a limit of tokens is kept by what is counted after. */
function estimateTokens(text: string): number {
  return Math.ceil(text.length / 3);
}

/** A fusion as it is asked for, with the weights and the constant that were left out. */
function toFusion(asked: NonNullable<RetrievalParams['fusion']>): Fusion {
  const weights = asked.weights ?? (asked.method === 'convex' ? defaultFusion.weights : { vector: 1, text: 1 });
  if (asked.method === 'convex') return { method: 'convex', weights };
  return { method: 'rrf', weights, k: asked.k ?? defaultRankConstant };
}

function readSourceNames(named: unknown): string[] {
  if (named === undefined) return [];
  const parsed = knowledgeSourceFilterSchema.safeParse(named);
  if (!parsed.success)
    throw refused('invalid_filter', 'body.filters.knowledge_source', 'must be a name or id, or a list of them');
  return typeof parsed.data === 'string' ? [parsed.data] : parsed.data;
}

function requireTools(setup: SearchSetup, body: SearchBody) {
  if (setup.tool === null) throw unknown('RAG tool', 'body.rag_tool', body.rag_tool);
  if (body.retrieval_tool !== undefined && setup.retrieval_tool === null)
    throw unknown('retrieval tool', 'body.retrieval_tool', body.retrieval_tool);
  return { tool: setup.tool, retrieval: setup.retrieval_tool };
}

function requireSources(setup: SearchSetup, names: readonly string[]): string[] | null {
  if (names.length === 0) return null;
  return names.map((name, index) => {
    const id = setup.sources?.[index] ?? null;
    if (id === null) throw unknown('knowledge source', 'body.filters.knowledge_source', name);
    return id;
  });
}

/** The sources that all lists have; null when no list says anything. */
function commonSources(lists: readonly (readonly string[] | null)[]): string[] | null {
  const said = lists.filter((list) => list !== null);
  const [first, ...others] = said;
  if (first === undefined) return null;
  return first.filter((id) => others.every((list) => list.includes(id)));
}

/** The request's model goes before the tool's; null turns either off. Takes the request's ones from `named`, in their order. */
function chooseChatModel(
  field: 'rerank' | 'rewrite',
  asked: { model: string } | null | undefined,
  stored: { model: string } | null | undefined,
  ofTool: ModelRow | null,
  named: (ModelRow | null)[],
): ModelRow | null {
  const wanted = asked === undefined ? stored : asked;
  if (wanted == null) return null;
  const model = asked === undefined ? ofTool : (named.shift() ?? null);
  const path = asked === undefined ? `rag_tool.retrieval_params.${field}.model` : `body.${field}.model`;
  if (model === null) throw unknown('model', path, wanted.model);
  if (model.kind !== 'chat') throw refused('bad_request', path, `"${model.name}" is no chat model`);
  return model;
}

/** The parameters of a request that were given. */
function given(body: SearchBody): Partial<RetrievalParams> {
  const { fusion, metric, candidates, ef_search, min_score, neighbours, max_per_document, rerank } = body;
  const parameters = { fusion, metric, candidates, ef_search, min_score, neighbours, max_per_document, rerank };
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

function unknown(noun: string, path: string, name: string): PerdureError {
  return refused(
    noun === 'model' ? 'unknown_model' : 'bad_request',
    path,
    `there is no ${noun} "${name}" in this workspace`,
  );
}

function refused(
  code: 'bad_request' | 'invalid_filter' | 'unknown_model',
  path: string,
  message: string,
): PerdureError {
  return new PerdureError(code, `${path}: ${message}`, { errors: [{ path, message }] });
}
