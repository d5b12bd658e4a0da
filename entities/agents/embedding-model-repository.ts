import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A registered embedding model; `apiKey` is sealed. */
export type EmbeddingModelRow = {
  id: string;
  provider: string;
  modelId: string;
  endpoint: string | null;
  apiKey: string | null;
  capabilities: Record<string, unknown>;
  pricing: Record<string, unknown>;
  dimensions: number;
};

/**
 * The models whose vectors each chunk of the document needs: those of the RAG tools that read its source, and the
 * workspace's oldest, which is its default and comes first.
 */
export async function readEmbeddingModels(
  em: EntityManager,
  workspaceId: string,
  documentId: string,
): Promise<EmbeddingModelRow[]> {
  return query<EmbeddingModelRow>(
    em,
    `with candidates as (
       select m.*, row_number() over (order by m.created_at, m.id) as age from models m
       where m.workspace_id = $1 and m.kind = 'embedding' and m.is_active and m.deleted_at is null)
     select m.id, m.provider, m.model_id as "modelId", m.endpoint, m.api_key as "apiKey", m.capabilities, m.pricing,
            m.dimensions
     from candidates m
     where m.age = 1 or m.id in (
       select r.embedding_model_id from rag_tools r, documents d
       where r.workspace_id = $1 and r.deleted_at is null and d.workspace_id = $1 and d.id = $2
         and (r.knowledge_source_id is null or r.knowledge_source_id = d.knowledge_source_id))
     order by m.age`,
    [workspaceId, documentId],
  );
}
