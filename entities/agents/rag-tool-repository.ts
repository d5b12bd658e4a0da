import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A RAG tool with its embedding model, whose key is still sealed. */
export type RagToolWithModel = {
  id: string;
  top_k: number;
  retrieval_params: unknown;
  knowledge_source_id: string | null;
  model_id: string;
  provider: string;
  provider_model_id: string;
  endpoint: string | null;
  api_key: string | null;
  capabilities: Record<string, unknown>;
};

/** The tools of these ids that are not deleted, in the order given. */
export async function findRagTools(em: EntityManager, toolIds: readonly string[]): Promise<RagToolWithModel[]> {
  return query<RagToolWithModel>(
    em,
    `select r.id, r.top_k, r.retrieval_params, r.knowledge_source_id, m.id as model_id, m.provider,
            m.model_id as provider_model_id, m.endpoint, m.api_key, m.capabilities
     from rag_tools r join models m on m.id = r.embedding_model_id
     where r.id = any($1::uuid[]) and r.deleted_at is null order by array_position($1::uuid[], r.id)`,
    [toolIds],
  );
}
