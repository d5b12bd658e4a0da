import { z } from 'zod';
import { idField, jsonObjectField, userField } from './fields.ts';

/** How passages are found: both lists fused, nearest vectors alone, or full text alone. */
export const searchStrategies = ['hybrid', 'dense', 'full_text'] as const;

/** What `rag_tools.retrieval_params` may hold; what is left out is chosen by the search. */
export const retrievalParamsSchema = z.strictObject({
  strategy: z.enum(searchStrategies).optional(),
  metric: z.enum(['cosine', 'l2']).optional(),
  candidates: z.int().min(1).max(1000).optional().describe('Length of each list before fusion'),
  ef_search: z.int().min(1).max(1000).optional().describe('Breadth of the HNSW search'),
});

/** Body of `POST /search`. */
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
    .describe('Name or id; its strategy and source go before those of the RAG tool'),
  strategy: z.enum(searchStrategies).optional().describe('Goes before those of the tools; `hybrid` when none says'),
  filters: z
    .strictObject({
      knowledge_source: z.string().min(1).max(200).optional().describe('Name or id'),
    })
    .default({}),
  user: userField.optional().describe('Whose documents are searched besides the global ones'),
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
  score: z.number().describe('Fused score, higher is better'),
  dense: z.strictObject({ rank: z.int(), score: z.number() }).nullable(),
  text: z.strictObject({ rank: z.int(), score: z.number() }).nullable(),
});

/** Answer of `POST /search`, best first. */
export const searchResultSchema = z.strictObject({ hits: z.array(searchHitSchema) });
