import { z } from 'zod';
import { idField, jsonObjectField, userField } from './fields.ts';
import { searchFilterSchema } from './search-filter.ts';

/** How passages are found: nearest vectors alone, full text (BM25) alone, or both lists fused. */
export const searchStrategies = ['vector', 'text', 'hybrid'] as const;

/** How vectors are compared. */
export const vectorMetrics = ['cosine', 'l2', 'inner_product'] as const;

const fusionWeights = z
  .strictObject({ vector: z.number().min(0).max(1000), text: z.number().min(0).max(1000) })
  .refine(({ vector, text }) => vector + text > 0, 'at least one weight must be greater than 0');

/** How the two lists become one; weights count in relation to each other. */
export const fusionSchema = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('convex').describe('Weighted mean of the normalised scores'),
    weights: fusionWeights.optional(),
  }),
  z.strictObject({
    method: z.literal('rrf').describe('Weighted reciprocal rank fusion: weight / (k + rank)'),
    weights: fusionWeights.optional(),
    k: z.number().min(1).max(1000).optional().describe('60 when left out'),
  }),
]);

const chatModelName = z.string().min(1).max(200).describe('Name or id of a chat model');

const searchParameters = {
  strategy: z.enum(searchStrategies).optional(),
  fusion: fusionSchema.optional(),
  metric: z.enum(vectorMetrics).optional(),
  candidates: z.int().min(1).max(1000).optional().describe('Length of each list before fusion'),
  ef_search: z.int().min(1).max(1000).optional().describe('Breadth of the walk through the vector index'),
  min_score: z.number().min(-1000).max(1000).optional().describe('Hits with a lower score are left out'),
  neighbours: z.int().min(0).max(10).optional().describe('Chunks before and after a hit that are shown with it'),
  max_per_document: z.int().min(1).max(100).optional().describe('The most hits of one document'),
  rerank: z
    .strictObject({ model: chatModelName, candidates: z.int().min(1).max(50).optional() })
    .nullable()
    .optional()
    .describe('A chat model orders the best candidates anew; null turns it off'),
  rewrite: z
    .strictObject({ model: chatModelName })
    .nullable()
    .optional()
    .describe('A chat model phrases the query anew before the search; null turns it off'),
};

/** What `rag_tools.retrieval_params` may hold; what is left out is chosen by the search. */
export const retrievalParamsSchema = z.strictObject({ ...searchParameters, filters: searchFilterSchema.optional() });

export type RetrievalParams = z.infer<typeof retrievalParamsSchema>;

const sourceName = z.string().min(1).max(200);

/** Body of `POST /search` and of `POST /search/test`. */
export const searchRequestSchema = z.strictObject({
  query: z
    .string()
    .max(8000)
    .refine((text) => text.trim() !== '', 'must not be empty'),
  top_k: z.int().min(1).max(100).optional().describe("The RAG tool's own when left out"),
  rag_tool: z
    .string()
    .min(1)
    .max(200)
    .default('documents')
    .describe('Name or id; says which embedding model, source and parameters are used'),
  retrieval_tool: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Name or id; its strategy and source go before those of the RAG tool, its filters are added'),
  ...searchParameters,
  filters: searchFilterSchema
    .default({})
    .describe(
      `${searchFilterSchema.description}. knowledge_source: name or id of a source, or a list of them. Added to the ` +
        'filters of the tools',
    ),
  user: userField.optional().describe('Whose documents are searched besides the global ones'),
});

export type SearchBody = z.infer<typeof searchRequestSchema>;

/** The key of `filters` that names sources, which is resolved before the filter is compiled. */
export const knowledgeSourceFilterSchema = z.union([sourceName, z.array(sourceName).min(1).max(100)]);

const placeSchema = z.strictObject({
  rank: z
    .int()
    .nullable()
    .describe('From 1; null when it is not in the list, and its score was computed for the fusion'),
  score: z.number(),
});

/** One passage and why it was found. */
export const searchHitSchema = z.strictObject({
  document_id: idField,
  generation: z.int(),
  chunk_index: z.int(),
  title: z.string(),
  source_url: z.string().nullable(),
  path: z.string().nullable(),
  content: z.string(),
  start_char: z.int(),
  end_char: z.int(),
  metadata: jsonObjectField,
  document_metadata: jsonObjectField,
  context: z
    .strictObject({
      content: z.string(),
      start_char: z.int(),
      end_char: z.int(),
      chunks: z.array(z.strictObject({ chunk_index: z.int(), start_char: z.int(), end_char: z.int() })),
    })
    .nullable()
    .describe('The hit with its neighbours, joined without their overlap; null when none are asked for'),
  score: z.number().describe('Of the fusion, or of the one list that was searched; higher is better'),
  vector: placeSchema.nullable(),
  text: placeSchema.nullable(),
  rerank_score: z.number().nullable().describe('0 to 1, which then decides the order; null without a reranker'),
});

/** How a search was run. */
export const searchPlanSchema = z.strictObject({
  strategy: z.enum(searchStrategies),
  candidates: z.int(),
  fusion: z
    .strictObject({
      method: z.enum(['convex', 'rrf']),
      weights: z.strictObject({ vector: z.number(), text: z.number() }),
      k: z.number().nullable(),
    })
    .nullable(),
  vector: z
    .strictObject({
      model: z.string(),
      metric: z.enum(vectorMetrics),
      plan: z.enum(['index', 'exact']),
      index: z.string().nullable().describe('Kind of the index that was used: hnsw or ivfflat'),
      reason: z.string(),
      eligible_chunks: z
        .int()
        .nullable()
        .describe('Estimate of the chunks that the filter lets through; a least value where it counted no further'),
      total_chunks: z.int().describe("Estimate of the model's chunks"),
      ef_search: z.int().nullable().describe('Of an HNSW index'),
      probes: z.int().nullable().describe('Lists of an IVFFlat index that were looked through at first'),
      segments: z.int().nullable().describe('Segments of the index that were walked; null where it has none'),
      young_chunks: z
        .int()
        .nullable()
        .describe('Chunks that were compared one by one beside the walk, because they are in no segment yet'),
      found: z.int(),
    })
    .nullable(),
  text: z.strictObject({ terms: z.array(z.string()), found: z.int() }).nullable(),
  rewritten_query: z.string().nullable(),
  reranked: z.int().nullable().describe('How many candidates a model put in order'),
});

const warningSchema = z.strictObject({ code: z.enum(['rerank_failed', 'rewrite_failed']), detail: z.string() });

/** Answer of `POST /search`, best first. */
export const searchResultSchema = z.strictObject({
  hits: z.array(searchHitSchema),
  plan: searchPlanSchema.nullable().describe('null when the tools and the filter ask for different sources'),
  warnings: z.array(warningSchema),
});

/** Answer of `POST /search/test`: the same hits with the place that each list and their fusion gives them. */
export const searchTestResultSchema = searchResultSchema.extend({
  candidates: z
    .array(
      z.strictObject({
        document_id: idField,
        generation: z.int(),
        chunk_index: z.int(),
        vector: placeSchema.nullable(),
        text: placeSchema.nullable(),
        fusion: z.strictObject({ rank: z.int(), score: z.number() }),
        hit: z.int().nullable().describe('Place among the hits, from 1; null when it was left out'),
        left_out: z.enum(['limit', 'min_score', 'max_per_document']).nullable(),
      }),
    )
    .describe('Every candidate of both lists in the order of the fusion'),
  timings: z
    .array(z.strictObject({ stage: z.string(), ms: z.number() }))
    .describe('The stages in their order; those of the database were measured there'),
});
