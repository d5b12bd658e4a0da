import { query } from '../../entities/sql.ts';
import type { Breach, Check } from './breach.ts';

// What a sweep clears up is a breach only once it had its chance: its schedule's interval, and half of it again.
const sweptWithinSeconds = 900;

/**
 * Invariant 2, beside the chunks: vectors are kept for documents alone that may be retried, bytes for those and for what
 * is served or under way, claims for ingestions that go on, and passwords until an ingestion has ended.
 */
export const checkLeftOvers: Check = async ({ em, graceSeconds }) => {
  const rows = await query<{ id: string; detail: string }>(
    em,
    `select k.document_id as id, 'vectors are kept for it (' || count(*) || '), though it '
            || case when d.deleted_at is null then 'is served' else 'was deleted' end as detail
     from embedding_cache k
     join documents d on d.workspace_id = k.workspace_id and d.id = k.document_id
     left join document_generations g on g.document_id = d.id and g.generation = d.latest_generation
     where d.deleted_at is not null or g.state = 'active'
     group by k.document_id, d.deleted_at
     union all
     select g.document_id, 'generation ' || g.generation || ' has ended, but its password is kept'
     from document_generations g where g.password_sealed is not null and g.state not in ('staging', 'ready')
     union all
     select b.document_id, 'parts of bytes are left of generation ' || b.generation || ': ' || count(*)
     from blobs b
     join document_generations g on g.document_id = b.document_id and g.generation = b.generation
     join documents d on d.id = b.document_id
     where d.deleted_at is not null
        or g.state in ('failed', 'abandoned') and g.generation < d.latest_generation
           and g.completed_at < now() - make_interval(secs => $1)
     group by b.document_id, b.generation
     union all
     select c.document_id, 'claims on texts outlived the ingestion that made them: ' || count(*)
     from embedding_claims c where c.expires_at < now() - make_interval(secs => $1)
     group by c.document_id`,
    [Math.max(graceSeconds, sweptWithinSeconds)],
  );
  return rows.map((row): Breach => ({ invariant: 2, entity: 'document', ...row }));
};
