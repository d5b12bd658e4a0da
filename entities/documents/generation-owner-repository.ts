import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A generation that has not ended, and the id of the workflow that is to ingest it. */
export type StagingGeneration = { documentId: string; generation: number; workflowId: string };

/** Those of the generations that have not ended, in the order of their documents. */
export async function readStagingGenerations(
  em: EntityManager,
  workspaceId: string,
  keys: ReadonlyArray<{ documentId: string; generation: number }>,
): Promise<StagingGeneration[]> {
  return query<StagingGeneration>(
    em,
    `select g.document_id as "documentId", g.generation, g.workflow_id as "workflowId"
     from unnest($2::uuid[], $3::integer[]) as k (document_id, generation)
     join document_generations g on g.document_id = k.document_id and g.generation = k.generation
     where g.workspace_id = $1 and g.state = 'staging' order by g.document_id`,
    [workspaceId, keys.map(({ documentId }) => documentId), keys.map(({ generation }) => generation)],
  );
}
