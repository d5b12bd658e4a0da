import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A row of `tools` that is not deleted; the credentials are sealed. */
export type ToolRow = {
  id: string;
  version: number;
  name: string;
  description: string;
  type: 'api' | 'builtin';
  configuration: Record<string, unknown>;
  parameters: Record<string, unknown>;
  credentials: string | null;
  effect: 'read' | 'write';
  idempotent: boolean;
  approval: Record<string, unknown>;
  timeoutMs: number;
  maxResultBytes: number;
  isActive: boolean;
};

/** A RAG or retrieval tool that is not deleted, and the RAG tool by which it searches: itself, or the one that fits best. */
export type SearchToolRow = {
  id: string;
  type: 'rag_tool' | 'retrieval_tool';
  name: string;
  description: string;
  source: string | null;
  ragToolId: string | null;
};

/** The tools that an agent refers to, as far as they are there. */
export type AgentToolRows = { tools: ToolRow[]; searches: SearchToolRow[] };

/**
 * Reads the tools of an agent in one statement. A retrieval tool searches by a RAG tool that covers its source: one of the
 * agent's own where there is one, and one over just that source before one over all.
 */
export async function readAgentToolRows(em: EntityManager, ids: readonly string[]): Promise<AgentToolRows> {
  const [row] = await query<AgentToolRows>(
    em,
    `select
       coalesce((select jsonb_agg(jsonb_build_object(
           'id', t.id, 'version', t.version, 'name', t.name, 'description', t.description, 'type', t.type,
           'configuration', t.configuration, 'parameters', t.parameters, 'credentials', t.credentials,
           'effect', t.effect, 'idempotent', t.idempotent, 'approval', t.approval, 'timeoutMs', t.timeout_ms,
           'maxResultBytes', t.max_result_bytes, 'isActive', t.is_active))
         from tools t where t.id = any($1::uuid[]) and t.deleted_at is null), '[]') as tools,
       coalesce((select jsonb_agg(jsonb_build_object(
           'id', s.id, 'type', s.type, 'name', s.name, 'description', s.description, 'source', k.name,
           'ragToolId', s.rag_tool_id))
         from (
           select g.id, 'rag_tool' as type, g.name, g.description, g.knowledge_source_id, g.id as rag_tool_id
           from rag_tools g where g.id = any($1::uuid[]) and g.deleted_at is null
           union all
           select r.id, 'retrieval_tool', r.name, r.description, r.knowledge_source_id,
             (select g.id from rag_tools g
              where g.deleted_at is null
                and (g.knowledge_source_id is null or r.knowledge_source_id is null
                     or g.knowledge_source_id = r.knowledge_source_id)
              order by (g.knowledge_source_id is null or g.knowledge_source_id is not distinct from r.knowledge_source_id) desc,
                g.id = any($1::uuid[]) desc, g.knowledge_source_id is not distinct from r.knowledge_source_id desc, g.id
              limit 1)
           from retrieval_tools r where r.id = any($1::uuid[]) and r.deleted_at is null
         ) s left join knowledge_sources k on k.id = s.knowledge_source_id), '[]') as searches`,
    [ids],
  );
  return row!;
}
