import { query } from '../../entities/sql.ts';
import type { Check } from './breach.ts';

/**
 * Invariant 6, as far as the database alone can tell: every model call of an ended turn has its row, no row is still
 * open after its turn has ended, and what is unknown is null, never zero or guessed.
 */
export const checkUsage: Check = async ({ em }) => {
  const rows = await query<{ id: string; entity: string; detail: string }>(
    em,
    `select u.id, 'usage' as entity, 'it is still open, but its turn has ended' as detail
     from usage_metrics u join turns t on t.id = u.turn_id
     where u.state = 'started' and t.state in ('completed', 'failed', 'cancelled')
       -- A title is asked for after the answer, under a step that the turn has not used, for half an hour at most.
       and not (t.state = 'completed' and u.step >= t.step and u."timestamp" > now() - interval '30 minutes')
     union all
     select u.id, 'usage', 'it is still open, but no ingestion of its document is under way'
     from usage_metrics u
     where u.entity_type = 'document' and u.state = 'started' and not exists (
       select from document_generations g where g.document_id = u.entity_id and g.state in ('staging', 'ready'))
       and not exists (
         select from embedding_moves v
         where v.workspace_id = u.workspace_id and v.model_id = u.model_id and v.state = 'running')
     union all
     select u.id, 'usage', 'it is still open, but nothing about a memory takes that long'
     from usage_metrics u
     where u.entity_type = 'memory' and u.state = 'started' and u."timestamp" < now() - interval '3 hours'
       and not exists (
         select from memory_lessons l
         where l.workspace_id = u.workspace_id and l.user_id = u.entity_id and l.state in ('accepted', 'running'))
     union all
     select s.turn_id, 'turn', 'step ' || s.step || ' called a model, but has no usage row'
     from turn_steps s
     where s.kind = 'model' and not exists (
       select from usage_metrics u where u.turn_id = s.turn_id and u.step = s.step and u.attempt = s.attempt)
       -- Of calls that began earlier only the sums are kept.
       and not exists (
         select from usage_progress p where p.workspace_id = s.workspace_id and s.started_at < p.raw_from + interval '1 day')
     union all
     select u.id, 'usage', 'its call is unknown, but it has figures'
     from usage_metrics u
     where u.state = 'unknown' and (u.total_tokens is not null or u.cost is not null)
     union all
     select u.id, 'usage', 'it is settled without figures'
     from usage_metrics u where u.state = 'settled' and u.total_tokens is null`,
  );
  return rows.map((row) => ({ invariant: 6, ...row }));
};
