import { workflowIds } from '../../contracts/names/workflows.ts';
import { query } from '../../entities/sql.ts';
import type { Breach, Check, WorkflowStates } from './breach.ts';

type Row = { id: string; generation: number; status: string; state: string | null; workflowId: string };

/** Invariant 1: every document is in a terminal state, or a running workflow owns each of its generations that is not. */
export const checkDocuments: Check = async ({ em, temporal, graceSeconds }) => {
  const rows = await query<Row>(
    em,
    `select d.id, coalesce(g.generation, d.latest_generation) as generation, d.status, g.state,
            g.workflow_id as "workflowId"
     from documents d
     left join document_generations g on g.document_id = d.id
       and (g.generation = d.latest_generation or g.state in ('staging', 'ready'))
     where d.deleted_at is null
       -- One that could not be fetched has ended without a generation; one that is to be fetched belongs to a sync.
       and (g.state in ('staging', 'ready')
            or g.document_id is null and d.status not in ('failed', 'cancelled') and not exists (
              select from source_items i join source_syncs s on s.workspace_id = i.workspace_id and s.id = i.sync_id
              where i.workspace_id = d.workspace_id and i.document_id = d.id and i.state = 'pending'
                and s.state in ('accepted', 'running'))
            or g.document_id is not null and d.status in ('accepted', 'processing') and not exists (
              select from document_generations o where o.document_id = d.id and o.state in ('staging', 'ready')))
       and greatest(d.updated_at, g.updated_at) < now() - make_interval(secs => $1)`,
    [graceSeconds],
  );
  const breaches: Breach[] = [];
  for (const row of rows) {
    const breach = (detail: string) => breaches.push({ invariant: 1, entity: 'document', id: row.id, detail });
    if (row.state === null) breach(`status ${row.status}, but it has no generation ${row.generation}`);
    else if (!temporal) breach(`status ${row.status}; Temporal was not asked whether a workflow owns it`);
    else {
      const workflow = await ownerState(temporal, row);
      if (workflow !== 'running')
        breach(`status ${row.status}, generation ${row.generation} is ${row.state}, its workflow is ${workflow}`);
    }
  }
  return breaches;
};

/** The state of the workflow that the row names, or of the one to which that hands the document over. */
async function ownerState(temporal: WorkflowStates, { id, generation, workflowId }: Row): Promise<string> {
  const own = workflowIds.ingestDocument(id, generation);
  const state = await temporal.stateOf(workflowId);
  return state === 'running' || workflowId === own ? state : temporal.stateOf(own);
}
