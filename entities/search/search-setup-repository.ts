import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A RAG tool with its embedding model, and the row of the user who asks (null when that user was never seen). */
export interface SearchSetup {
  knowledge_source_id: string | null;
  top_k: number;
  retrieval_params: unknown;
  user_id: string | null;
  model: {
    id: string;
    provider: string;
    model_id: string;
    endpoint: string | null;
    api_key: string | null;
    capabilities: Record<string, unknown>;
    dimensions: number | null;
  };
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * What a search by this RAG tool (name or id) needs, in one statement, because it comes before every search; null when
 * there is no such tool. An id goes before a name like it.
 */
export async function findSearchSetup(
  em: EntityManager,
  { ragTool, user }: { ragTool: string; user: string },
): Promise<SearchSetup | null> {
  const [row] = await query<SearchSetup>(
    em,
    `select t.knowledge_source_id, t.top_k, t.retrieval_params, u.id as user_id,
            jsonb_build_object(
              'id', m.id, 'provider', m.provider, 'model_id', m.model_id, 'endpoint', m.endpoint, 'api_key', m.api_key,
              'capabilities', m.capabilities, 'dimensions', m.dimensions) as model
     from rag_tools t
     join models m on m.workspace_id = t.workspace_id and m.id = t.embedding_model_id
     left join users u on u.workspace_id = t.workspace_id and u.external_id = $3
     where t.deleted_at is null and (t.id = $1 or t.name = $2)
     order by t.id = $1 desc limit 1`,
    [uuid.test(ragTool) ? ragTool : null, ragTool, user],
  );
  return row ?? null;
}
