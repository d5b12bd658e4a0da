import { z } from 'zod';
import { idField, timeField } from './fields.ts';

/** Body of the routes that move a source or a RAG tool to another embedding model. */
export const requestMoveSchema = z.strictObject({
  embedding_model: z.string().min(1).max(200).describe('Name or id of an embedding model'),
});

/** One move to another embedding model; search uses the former one until `state` is completed. */
export const embeddingMoveSchema = z.strictObject({
  id: idField,
  knowledge_source_id: idField.nullable().describe('The source whose documents are embedded; null for all'),
  rag_tool_id: idField.nullable().describe('The tool that is switched; null for all tools of the source'),
  embedding_model_id: idField,
  embedding_model: z.string().describe('Its name'),
  state: z.enum(['accepted', 'running', 'completed', 'failed', 'cancelled']),
  documents: z.strictObject({ total: z.int(), done: z.int() }),
  error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
  created_at: timeField,
  started_at: timeField.nullable(),
  completed_at: timeField.nullable(),
});

/** Answer of a request to move; `started` is false when one was under way, which is then shown. */
export const moveRequestedSchema = z.strictObject({ started: z.boolean(), move: embeddingMoveSchema });

/** The newest move; null when there was none. */
export const newestMoveSchema = z.strictObject({ move: embeddingMoveSchema.nullable() });
