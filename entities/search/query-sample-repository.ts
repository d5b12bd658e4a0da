import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** Keeps a vector that was searched for, in the place of an earlier one once there are 128 of the model. */
export async function noteQuery(
  em: EntityManager,
  note: { workspaceId: string; modelId: string; embedding: Float32Array },
): Promise<void> {
  await query(em, 'select note_query($1, $2, $3)', [note.workspaceId, note.modelId, `[${note.embedding.join(',')}]`]);
}

/** The vectors that were last searched for with a model, newest first, as pgvector writes them; for the owner or operator. */
export async function readQuerySamples(em: EntityManager, modelId: string, limit: number): Promise<string[]> {
  const rows = await query<{ embedding: string }>(
    em,
    `select embedding::text from query_samples where model_id = $1 order by created_at desc limit $2`,
    [modelId, limit],
  );
  return rows.map((row) => row.embedding);
}

/** Deletes vectors that were searched for longer ago than so many days, of all workspaces; for the operator. */
export async function deleteOldQuerySamples(em: EntityManager, days: number): Promise<number> {
  const [row] = await query<{ deleted: number }>(
    em,
    `with gone as (delete from query_samples where created_at < now() - make_interval(days => $1) returning 1)
     select count(*)::int as deleted from gone`,
    [days],
  );
  return row!.deleted;
}
