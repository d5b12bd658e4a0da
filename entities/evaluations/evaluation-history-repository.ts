import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import type { EvaluationKey } from './evaluation-repository.ts';

/** Runs that have ended, a moment ago at the least, and whose history is not kept yet. For the operator role. */
export async function findUnexportedRuns(em: EntityManager, limit: number): Promise<EvaluationKey[]> {
  return query<EvaluationKey>(
    em,
    `select workspace_id as "workspaceId", id as "evaluationId" from evaluations e
     where dataset_id is not null and run_id is not null and status in ('completed', 'failed', 'cancelled')
       and completed_at between now() - interval '7 days' and now() - interval '1 second'
       and not exists (select from evaluation_histories h where h.evaluation_id = e.id and h.created_at > e.completed_at)
     order by completed_at limit $1`,
    [limit],
  );
}

/** Keeps the history of one workflow run; a part that is there stays. */
export async function keepHistory(
  em: EntityManager,
  { workspaceId, evaluationId, runId, parts }: EvaluationKey & { runId: string; parts: readonly Uint8Array[] },
): Promise<void> {
  for (const [part, data] of parts.entries())
    await query(
      em,
      `insert into evaluation_histories (evaluation_id, run_id, part, workspace_id, data) values ($1, $2, $3, $4, $5)
       on conflict (evaluation_id, run_id, part) do update set data = excluded.data, created_at = now()`,
      [evaluationId, runId, part, workspaceId, Buffer.from(data)],
    );
}

/** Which histories of a run are kept. */
export async function listHistories(
  em: EntityManager,
  evaluationId: string,
): Promise<{ run_id: string; bytes: number; created_at: Date }[]> {
  return query(
    em,
    `select run_id, sum(octet_length(data))::integer as bytes, min(created_at) as created_at
     from evaluation_histories where evaluation_id = $1 group by run_id order by min(created_at), run_id`,
    [evaluationId],
  );
}

/** A kept history, compressed by gzip; null where there is none. */
export async function readHistory(em: EntityManager, evaluationId: string, runId: string): Promise<Buffer | null> {
  const rows = await query<{ data: Buffer }>(
    em,
    `select data from evaluation_histories where evaluation_id = $1 and run_id = $2 order by part`,
    [evaluationId, runId],
  );
  return rows.length === 0 ? null : Buffer.concat(rows.map(({ data }) => data));
}
