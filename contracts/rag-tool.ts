import { z } from 'zod';
import { retrievalParamsSchema } from './search.ts';
import { idField, jsonObjectField, nameField, timestampFields } from './fields.ts';

/** How a source is cut, embedded and searched. */
export const ragToolSchema = z.strictObject({
  id: idField,
  name: z.string(),
  description: z.string(),
  knowledge_source_id: idField.nullable(),
  embedding_model_id: idField,
  embedding_model: z.string().describe('Its name'),
  retrieval_params: jsonObjectField,
  chunk_size: z.int(),
  chunk_overlap: z.int(),
  top_k: z.int(),
  ...timestampFields,
});

const sizes = {
  chunk_size: z.int().min(16).max(8192).describe('Tokens of the embedding model'),
  chunk_overlap: z.int().min(0).max(8191),
  top_k: z.int().min(1).max(100),
};

/** Body of `POST /rag-tools`. */
export const createRagToolSchema = z
  .strictObject({
    name: nameField,
    description: z.string().max(10_000).default(''),
    knowledge_source: z.string().min(1).max(200).nullable().default(null).describe('Name or id; null searches all'),
    embedding_model: z.string().min(1).max(200).describe('Name or id of an embedding model'),
    retrieval_params: retrievalParamsSchema.default({}),
    chunk_size: sizes.chunk_size.default(240),
    chunk_overlap: sizes.chunk_overlap.default(32),
    top_k: sizes.top_k.default(5),
  })
  .refine((body) => body.chunk_overlap < body.chunk_size, {
    message: 'must be smaller than chunk_size',
    path: ['chunk_overlap'],
  });

/** Body of `PATCH /rag-tools/{id}`. */
export const updateRagToolSchema = z
  .strictObject({
    name: nameField,
    description: z.string().max(10_000),
    knowledge_source: z.string().min(1).max(200).nullable(),
    retrieval_params: retrievalParamsSchema,
    ...sizes,
  })
  .partial();
