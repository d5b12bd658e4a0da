import { workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { query } from '../../entities/sql.ts';
import type { Breach, Check } from './breach.ts';

/** Invariant 8: status columns agree with each other and with Temporal. */
export const checkStatus: Check = async ({ em, temporal, graceSeconds }) => {
  const breaches: Breach[] = await query<Breach>(
    em,
    // What has no generation in the job was there unchanged, or could not be fetched.
    `select 8 as invariant, 'ingestion_job' as entity, j.id,
            'its counts are ' || j.processed_documents || ' + ' || j.failed_documents || ' of ' || j.total_documents
            || ', its documents say ' || d.failed || ' failed and ' || d.pending || ' under way of ' || d.total
            || ' (' || j.status || ')' as detail
     from ingestion_jobs j
     cross join lateral (
       select count(*) filter (where g.state = 'failed'
                                  or g.state = 'abandoned' and g.error ->> 'code' = 'cancelled')::int
                + j.fetch_failures as failed,
              count(*) filter (where g.state in ('staging', 'ready'))::int as pending,
              count(*)::int + j.fetch_failures as total
       from document_generations g where g.workspace_id = j.workspace_id and g.job_id = j.id) d
     where j.updated_at < now() - make_interval(secs => $1)
       and (j.failed_documents <> d.failed or j.processed_documents <> j.total_documents - d.failed - d.pending
            or d.total > j.total_documents
            or (j.status in ('completed', 'failed', 'partial')) <> (d.pending = 0 and not j.is_open))
     union all
     select 8, 'document', d.id, 'status ' || d.status || ', active generation ' || coalesce(d.active_generation::text, 'none')
            || ', generation rows say ' || coalesce(a.generation::text, 'none')
     from documents d
     left join document_generations a on a.document_id = d.id and a.state = 'active'
     where d.active_generation is distinct from a.generation
        or (d.status = 'ready' and d.active_generation is null and d.deleted_at is null)`,
    [graceSeconds],
  );
  if (!temporal) return breaches;

  const turns = await query<{ id: string; conversation_id: string; state: string }>(
    em,
    `select id, conversation_id, state from turns
     where state in ('accepted', 'queued', 'running', 'waiting') and updated_at < now() - make_interval(secs => $1)`,
    [graceSeconds],
  );
  for (const turn of turns) {
    const workflow = await temporal.stateOf(workflowIds.conversation(turn.conversation_id));
    if (workflow !== 'running')
      breaches.push({
        invariant: 8,
        entity: 'turn',
        id: turn.id,
        detail: `it is ${turn.state}, but the workflow of its conversation is ${workflow}`,
      });
  }
  const syncs = await query<{ id: string; source: string; kind: string; state: string }>(
    em,
    `select id, knowledge_source_id as source, kind, state from source_syncs
     where state in ('accepted', 'running') and created_at < now() - make_interval(secs => $1)`,
    // A sweep is given its time to start again what was ended from outside.
    [Math.max(graceSeconds, 60)],
  );
  for (const { id, source, kind, state } of syncs) {
    const workflowId = kind === 'full' ? workflowIds.syncSource(source) : workflowIds.syncItems(id);
    const workflow = await temporal.stateOf(workflowId);
    if (workflow !== 'running')
      breaches.push({
        invariant: 8,
        entity: 'source_sync',
        id,
        detail: `it is ${state}, but its workflow is ${workflow}`,
      });
  }
  const moves = await query<{ id: string; state: string }>(
    em,
    `select id, state from embedding_moves
     where (state in ('accepted', 'running') or not is_cleared) and created_at < now() - make_interval(secs => $1)`,
    // As above: a sweep looks after a move that has been silent for two minutes.
    [Math.max(graceSeconds, 180)],
  );
  for (const { id, state } of moves) {
    const workflow = await temporal.stateOf(workflowIds.moveEmbeddings(id));
    if (workflow !== 'running')
      breaches.push({
        invariant: 8,
        entity: 'embedding_move',
        id,
        detail: `it is ${state} and not cleared up, but its workflow is ${workflow}`,
      });
  }
  for await (const workflowId of temporal.listRunning(workflowTypes.ingestDocument)) {
    const [, documentId = '', generation = '0'] = workflowId.split('/');
    const [row] = await query<{ state: string }>(
      em,
      `select state from document_generations
       where document_id = $1 and generation = $2 and state in ('active', 'failed', 'abandoned')
         and updated_at < now() - make_interval(secs => $3)`,
      [documentId, Number(generation), Math.max(graceSeconds, 60)],
    );
    if (row)
      breaches.push({
        invariant: 8,
        entity: 'document',
        id: documentId,
        detail: `generation ${generation} is ${row.state}, but its workflow still runs`,
      });
  }
  for await (const workflowId of temporal.listRunning(workflowTypes.ingestBatch)) {
    const [row] = await query<{ documents: number }>(
      em,
      `select count(*)::int as documents from document_generations where workflow_id = $1
       having count(*) > 0 and bool_and(state in ('active', 'failed', 'abandoned'))
          and max(updated_at) < now() - make_interval(secs => $2)`,
      [workflowId, Math.max(graceSeconds, 60)],
    );
    if (row)
      breaches.push({
        invariant: 8,
        entity: 'ingest_batch',
        id: workflowId,
        detail: `all of its documents (${row.documents}) have ended, but its workflow still runs`,
      });
  }
  return breaches;
};
