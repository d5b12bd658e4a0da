import type { EntityManager } from '@mikro-orm/postgresql';
import type { RetainedKind } from '../../contracts/names/retention.ts';
import { query } from '../sql.ts';
import { findDifferingHours } from '../usage/usage-total-repository.ts';

type Retention = {
  /** Selects the ids (or, of a table without one, the ctids) of what is older than $1, oldest first. */
  due: string;
  /** What follows the common table expression `due` and drops what it has selected. */
  drop: string;
};

const ids = 'select id from due';

const retentions: Readonly<Record<Exclude<RetainedKind, 'usage_rows'>, Retention>> = {
  // The text of an ended turn becomes one event: a reset that makes any reader forget what it has, and then the whole.
  turn_events: {
    due: `select t.id from turns t
      where t.state in ('completed', 'failed', 'cancelled') and t.completed_at < $1
        and 2 <= (select count(*) from (
              select from turn_events e
              where e.turn_id = t.id and e.kind = 'text_delta' and e.seq > coalesce((
                select max(r.seq) from turn_events r where r.turn_id = t.id and r.kind = 'reset'), 0) limit 2) d)
      order by t.completed_at`,
    drop: `, spoken as (
         select e.turn_id, string_agg(e.data ->> 'text', '' order by e.seq) as text, max(e.seq) as last,
                (array_agg(e.seq order by e.seq desc))[2] as before, (array_agg(e.data -> 'step' order by e.seq desc))[1] as step
         from turn_events e
         where e.turn_id in (${ids}) and e.kind = 'text_delta' and e.seq > coalesce((
           select max(r.seq) from turn_events r where r.turn_id = e.turn_id and r.kind = 'reset'), 0)
         group by e.turn_id),
       forgotten as (
         delete from turn_events e using spoken s
         where e.turn_id = s.turn_id and e.kind in ('text_delta', 'reasoning_delta', 'reset')
           and e.seq not in (s.last, s.before)),
       whole as (
         update turn_events e set data = jsonb_build_object('text', s.text, 'step', s.step)
         from spoken s where e.turn_id = s.turn_id and e.seq = s.last)
       update turn_events e set kind = 'reset', data = jsonb_build_object('attempt', t.attempt, 'step', 0)
       from spoken s join turns t on t.id = s.turn_id where e.turn_id = s.turn_id and e.seq = s.before`,
  },
  // One of a source stays as long as its place is in the manifest, so that no sync brings it back.
  deleted_documents: {
    due: `select d.id from documents d
      where d.deleted_at < $1 and not exists (
        select from source_items i where i.workspace_id = d.workspace_id and i.document_id = d.id)
        and not exists (
          select from document_generations g where g.document_id = d.id and g.state in ('staging', 'ready'))
      order by d.deleted_at`,
    drop: `delete from documents where id in (${ids})`,
  },
  // Not before its calls are summed up by user, which is told by the conversation.
  deleted_conversations: {
    due: `select c.id from conversations c join usage_progress p on p.workspace_id = c.workspace_id
      where c.deleted_at < $1 and p.counted_to > c.deleted_at + interval '1 day' and not exists (
        select from turns t where t.conversation_id = c.id
          and t.state in ('accepted', 'queued', 'running', 'waiting'))
      order by c.deleted_at`,
    drop: `delete from conversations where id in (${ids})`,
  },
  // Its conversations go before it, by the sweep of orphans: without it they would be taken for a user's own.
  deleted_evaluations: {
    due: `select e.id from evaluations e
      where e.deleted_at < $1 and e.status not in ('queued', 'running') and not exists (
        select from conversations c where c.workspace_id = e.workspace_id and c.evaluation_id = e.id)
      order by e.deleted_at`,
    drop: `delete from evaluations where id in (${ids})`,
  },
  evaluation_histories: {
    due: `select h.ctid as id from evaluation_histories h where h.created_at < $1 order by h.created_at`,
    drop: `delete from evaluation_histories where ctid in (${ids})`,
  },
  // How far a conversation was learned from stands in its own row; a lesson that failed for good keeps it from being tried anew.
  memory_lessons: {
    due: `select l.ctid as id from memory_lessons l
      where l.updated_at < $1 and (l.state in ('completed', 'skipped') or l.state = 'failed' and l.starts >= 3)
        and l.up_to_sequence <= (select c.learned_sequence from conversations c where c.id = l.conversation_id)
      order by l.updated_at`,
    drop: `delete from memory_lessons where ctid in (${ids})`,
  },
  webhook_deliveries: {
    due: `select d.id from webhook_deliveries d
      where d.state <> 'pending' and d.created_at < $1 order by d.created_at`,
    drop: `delete from webhook_deliveries where id in (${ids})`,
  },
  audit_log: {
    due: `select a.id from audit_log a where a.created_at < $1 order by a.created_at`,
    drop: `delete from audit_log where id in (${ids})`,
  },
  maintenance_reports: {
    due: `select r.id from maintenance_reports r where r.state <> 'running' and r.started_at < $1 order by r.started_at`,
    drop: `delete from maintenance_reports where id in (${ids})`,
  },
};

/** How many things of a kind are older than `before`, for the operator role; deletes nothing. */
export async function countExpired(
  em: EntityManager,
  kind: Exclude<RetainedKind, 'usage_rows'>,
  before: Date,
): Promise<number> {
  const [row] = await query<{ count: number }>(em, `select count(*)::int as count from (${retentions[kind].due}) due`, [
    before,
  ]);
  return row!.count;
}

/** Drops at most `limit` things of a kind that are older than `before`, for the operator role; how many it were. */
export async function dropExpired(
  em: EntityManager,
  kind: Exclude<RetainedKind, 'usage_rows'>,
  before: Date,
  limit: number,
): Promise<number> {
  const { due, drop } = retentions[kind];
  const rows = await query(em, `with due as (${due} limit $2) ${drop} returning 1`, [before, limit]);
  return rows.length;
}

/** How many calls began before `before` and have a row of their own still, for the operator role. */
export async function countUsageRows(em: EntityManager, before: Date): Promise<number> {
  const [row] = await query<{ count: number }>(
    em,
    `select count(*)::int as count from usage_metrics where "timestamp" < date_trunc('hour', $1::timestamptz, 'UTC')`,
    [before],
  );
  return row!.count;
}

/**
 * From now on the sums of the hours before `before` stand for the calls of a workspace, in the transaction that has summed
 * them up. False, and nothing is changed, where a sum is not that of its rows.
 */
export async function retireUsageRows(em: EntityManager, workspaceId: string, before: Date): Promise<boolean> {
  const differing = await findDifferingHours(em, workspaceId);
  if (differing.some(({ hour }) => hour < before)) return false;
  await query(
    em,
    `update usage_progress set raw_from = greatest(raw_from, date_trunc('hour', $2::timestamptz, 'UTC'))
     where workspace_id = $1`,
    [workspaceId, before],
  );
  return true;
}

/** Deletes at most `limit` rows of calls for which sums stand, for the operator role; how many it were. */
export async function dropRetiredUsageRows(em: EntityManager, limit: number): Promise<number> {
  const rows = await query(
    em,
    `delete from usage_metrics where id in (
       select m.id from usage_metrics m join usage_progress p on p.workspace_id = m.workspace_id
       where m."timestamp" < p.raw_from limit $1)
     returning 1`,
    [limit],
  );
  return rows.length;
}
