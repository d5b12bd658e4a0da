import type { z } from 'zod';
import type { embeddingMoveSchema } from '../../contracts/embedding-move.ts';
import type { MoveRow } from '../../entities/agents/embedding-move-repository.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

/** A move as the API shows it. */
export function presentMove(row: MoveRow): z.input<typeof embeddingMoveSchema> {
  return {
    id: row.id,
    knowledge_source_id: row.knowledgeSourceId,
    rag_tool_id: row.ragToolId,
    embedding_model_id: row.modelId,
    embedding_model: row.modelName,
    state: row.state,
    documents: { total: row.totalDocuments, done: row.doneDocuments },
    error: row.error,
    created_at: presentTime(row.createdAt),
    started_at: presentOptionalTime(row.startedAt),
    completed_at: presentOptionalTime(row.completedAt),
  };
}
