import type { EntityManager } from '@mikro-orm/postgresql';
import { workflowIds } from '../../contracts/names/workflows.ts';
import type { GenerationKey } from './document-chunk-repository.ts';
import type { StoredError } from './document-repository.ts';
import { endGeneration, lockDocument, lockGenerations, settleDocument } from './end-generation.ts';
import { countEndedDocuments } from './ingestion-job-repository.ts';
import { query } from '../sql.ts';

/** A generation that nobody may be working on, its workflow's id, the run that last had it, and how often one was started again. */
export type StrayGeneration = GenerationKey & { restarts: number; workflowId: string; runId: string | null };

/**
 * Finds generations that nobody may be working on: accepted a few seconds ago and never begun, or silent for a minute.
 * For the operator role. They are marked, so that the next look leaves them alone for half as long as they are old: thousands
 * that wait for a worker are not started again every few seconds.
 */
export async function claimStrayGenerations(em: EntityManager, limit: number): Promise<StrayGeneration[]> {
  return query<StrayGeneration>(
    em,
    `update document_generations g set updated_at = now()
     from (select document_id, generation from document_generations
           where state = 'staging'
             and updated_at < now() - greatest(
               case when stage = 'accepted' then interval '5 seconds' else interval '60 seconds' end,
               least((updated_at - created_at) / 2, interval '10 minutes'))
           order by updated_at limit $1 for update skip locked) stray
     where g.document_id = stray.document_id and g.generation = stray.generation
     returning g.workspace_id as "workspaceId", g.document_id as "documentId", g.generation, g.restarts,
               g.workflow_id as "workflowId", g.run_id as "runId"`,
    [limit],
  );
}

/**
 * Gives a stray generation to the document's own workflow; false if another run has taken it over since it was found. A
 * batch that begins after this leaves the document alone, so that the two do not pay for its texts side by side. For the
 * operator role.
 */
export async function handToOwnWorkflow(em: EntityManager, stray: StrayGeneration): Promise<boolean> {
  const { documentId, generation, runId } = stray;
  const given = await query(
    em,
    `update document_generations set workflow_id = $4
     where document_id = $1 and generation = $2 and state = 'staging' and run_id is not distinct from $3
     returning generation`,
    [documentId, generation, runId, workflowIds.ingestDocument(documentId, generation)],
  );
  return given.length > 0;
}

/** Notes that a workflow was started which should have been running. For the operator role. */
export async function noteRestart(em: EntityManager, key: GenerationKey): Promise<void> {
  await query(
    em,
    `update document_generations set restarts = restarts + 1 where document_id = $1 and generation = $2`,
    [key.documentId, key.generation],
  );
}

/** Fails a generation on which no workflow works any more; one that has ended meanwhile is left alone. */
export async function failLostGeneration(em: EntityManager, key: GenerationKey, error: StoredError): Promise<boolean> {
  if (!(await lockDocument(em, key))) return false;
  const own = (await lockGenerations(em, key)).find(({ generation }) => generation === key.generation);
  if (own?.state !== 'staging') return false;
  await endGeneration(em, key, { state: 'failed', error, kept: true });
  await settleDocument(em, key, { status: 'failed', error });
  await countEndedDocuments(em, [{ jobId: own.job_id, documentId: key.documentId, failure: error }]);
  return true;
}
