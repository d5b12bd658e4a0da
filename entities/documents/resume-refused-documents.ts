import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { uuidV7 } from '../uuid-v7.ts';
import { retryDocuments } from './retry-documents.ts';

/**
 * Ingests the workspace's documents again that failed because a budget had too little left for them, in a job for each
 * source; sweeps start them. Returns how many.
 */
export async function resumeRefusedDocuments(em: EntityManager, workspaceId: string): Promise<number> {
  const code = 'budget_exhausted';
  const sources = await query<{ knowledgeSourceId: string | null }>(
    em,
    `select distinct d.knowledge_source_id as "knowledgeSourceId"
     from documents d join document_generations g on g.document_id = d.id and g.generation = d.latest_generation
     where d.workspace_id = $1 and d.deleted_at is null and g.state = 'failed' and g.error ->> 'code' = $2`,
    [workspaceId, code],
  );
  let resumed = 0;
  for (const { knowledgeSourceId } of sources) {
    const select = { knowledgeSourceId, code };
    const { documents } = await retryDocuments(em, { workspaceId, jobId: uuidV7(), select });
    resumed += documents.length;
  }
  return resumed;
}
