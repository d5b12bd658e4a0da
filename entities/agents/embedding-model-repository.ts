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
 * Holds the question of which models embed the workspace's documents: shared by whoever publishes or clears by its answer,
 * exclusive for whoever changes it. Taken before any row.
 */
export async function lockEmbeddingModels(
  em: EntityManager,
  workspaceId: string,
  strength: 'shared' | 'exclusive',
): Promise<void> {
  const suffix = strength === 'shared' ? '_shared' : '';
  await query(em, `select pg_advisory_xact_lock${suffix}(hashtextextended($1, 0))`, [
    `embedding_models/${workspaceId}`,
  ]);
}

/**
 * The models whose vectors each chunk of the document needs: those of the RAG tools that read its source, those that it is
 * being moved to, and the workspace's oldest, which is its default and comes first.
 */
export async function readEmbeddingModels(
  em: EntityManager,
  workspaceId: string,
  documentId: string,
): Promise<EmbeddingModelRow[]> {
  return query<EmbeddingModelRow>(
    em,
    modelsFor('select d.knowledge_source_id as id from documents d where d.workspace_id = $1 and d.id = $2'),
    [workspaceId, documentId],
  );
}

/** The same for all documents of a source, or for those of none. */
export async function readSourceModels(
  em: EntityManager,
  workspaceId: string,
  knowledgeSourceId: string | null,
): Promise<EmbeddingModelRow[]> {
  return query<EmbeddingModelRow>(em, modelsFor('select $2::uuid as id'), [workspaceId, knowledgeSourceId]);
}

/** `source` selects the id of the source. */
const modelsFor = (source: string): string =>
  `with candidates as (
       select m.*, row_number() over (order by m.created_at, m.id) as age from models m
       where m.workspace_id = $1 and m.kind = 'embedding' and m.is_active and m.deleted_at is null)
     select m.id, m.provider, m.model_id as "modelId", m.endpoint, m.api_key as "apiKey",
            m.capabilities || jsonb_build_object('dimensions', m.dimensions) as capabilities, m.pricing, m.dimensions
     from candidates m
     where m.age = 1 or m.id in (
       select r.embedding_model_id from rag_tools r, (${source}) s
       where r.workspace_id = $1 and r.deleted_at is null
         and (r.knowledge_source_id is null or r.knowledge_source_id = s.id)
       union all
       select v.model_id from embedding_moves v, (${source}) s
       where v.workspace_id = $1 and v.state in ('accepted', 'running')
         and (v.knowledge_source_id is null or v.knowledge_source_id = s.id))
     order by m.age`;

/** One embedding model of the workspace; null if it is not there. */
export async function findEmbeddingModel(
  em: EntityManager,
  modelId: string,
): Promise<(EmbeddingModelRow & { name: string; isActive: boolean }) | null> {
  const [row] = await query<EmbeddingModelRow & { name: string; isActive: boolean }>(
    em,
    `select id, name, is_active as "isActive", provider, model_id as "modelId", endpoint, api_key as "apiKey",
            capabilities || jsonb_build_object('dimensions', dimensions) as capabilities, pricing, dimensions
     from models where id = $1 and kind = 'embedding' and deleted_at is null`,
    [modelId],
  );
  return row ?? null;
}
