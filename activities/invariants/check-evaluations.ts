import { workflowIds } from '../../contracts/names/workflows.ts';
import { query } from '../../entities/sql.ts';
import type { Breach, Check } from './breach.ts';

/**
 * Invariant 7, as far as the database alone can tell: a finished run has a score or a reason for each item and metric and
 * the verdict that its gates come to, what is committed is not paid for again, and nothing stays open behind its end.
 */
export const checkEvaluations: Check = async ({ em, graceSeconds }) => {
  const rows = await query<{ id: string; entity: string; detail: string }>(
    em,
    `with ended as materialized (
       select id, workspace_id, status, verdict, verdict_reasons, completed_at,
              jsonb_array_length(configuration -> 'metrics') as metrics
       from evaluations
       where dataset_id is not null and deleted_at is null and status in ('completed', 'failed', 'cancelled')),
     judged as (
       select e.id, i.ordinal, i.state,
              (select count(*) from evaluation_results r where r.evaluation_id = e.id and r.ordinal = i.ordinal) as results,
              e.metrics
       from ended e join evaluation_items i on i.evaluation_id = e.id and i.state in ('done', 'failed'))
     select e.id, 'evaluation' as entity, 'it has ended, but ' || count(*) || ' of its items have not' as detail
     from ended e join evaluation_items i on i.evaluation_id = e.id and i.state in ('pending', 'running', 'scoring')
     group by e.id
     union all
     select e.id, 'evaluation', 'it is ' || e.status || ' with the verdict ' || coalesce(e.verdict, 'none') from ended e
     where e.verdict is distinct from case e.status when 'failed' then 'incomplete' when 'cancelled' then null
                                                    else coalesce(e.verdict, 'passed') end
     union all
     select e.id, 'evaluation', 'its verdict is ' || e.verdict || ', but its gates are ' || coalesce(g.states, 'none')
     from ended e
     cross join lateral (
       select string_agg(distinct gate ->> 'state', ', ') as states, bool_or(gate ->> 'state' = 'failed') as failed,
              bool_or(gate ->> 'state' = 'incomplete') as incomplete
       from jsonb_array_elements(e.verdict_reasons) gate) g
     where e.status = 'completed' and (e.verdict = 'passed' and (g.failed or g.incomplete)
       or e.verdict = 'failed' and not coalesce(g.failed, false)
       or e.verdict = 'incomplete' and coalesce(g.failed, false)
       or e.verdict = 'passed' and g.states is null and exists (
         select from evaluation_results r where r.evaluation_id = e.id and r.state = 'unscored'))
     union all
     select j.id, 'evaluation', 'item ' || j.ordinal || ' is ' || j.state || ' with ' || j.results || ' results of '
            || j.metrics || ' metrics'
     from judged j where j.results <> j.metrics
     union all
     select k.evaluation_id, 'evaluation', 'item ' || k.ordinal || ' asked call ' || k.position || ' of ' || k.metric
            || ' ' || count(*) || ' times after it was answered'
     from evaluation_calls k where k.state = 'answered'
     group by k.evaluation_id, k.ordinal, k.metric, k.position, k.request_hash having count(*) > 1
     union all
     select i.evaluation_id, 'evaluation', 'item ' || i.ordinal || ' was paid for again after it was '
            || case when i.reused_from is null then 'done' else 'taken over from another run' end
     from evaluation_items i
     join usage_metrics u on u.workspace_id = i.workspace_id and u.entity_type = 'evaluation'
       and u.entity_id = i.evaluation_id and u.step = i.ordinal
     where i.state = 'done' and (i.reused_from is not null or u."timestamp" > i.completed_at)
       and not exists (select from evaluation_calls k where k.id = u.id)
     union all
     select u.id, 'usage', 'it is still open, but its evaluation has ended'
     from usage_metrics u
     where u.entity_type = 'evaluation' and u.state = 'started'
       and u."timestamp" < now() - make_interval(secs => $1) and not exists (
         select from evaluations e where e.id = u.entity_id
           -- A call that a cancel has met may be under way; one that died then is closed by the sweep of orphans.
           and (e.status in ('queued', 'running')
                or e.status <> 'completed' and e.completed_at > now() - interval '1 hour'))
       and not exists (
         select from case_proposals p where p.id = u.entity_id
           and (p.status in ('queued', 'running')
                or p.status <> 'completed' and p.completed_at > now() - interval '1 hour'))`,
    [graceSeconds],
  );
  return rows.map((row) => ({ invariant: 7, ...row }));
};

/** Invariant 8 for evaluations and proposals of cases: what is under way has a workflow that runs. */
export const checkRuns: Check = async ({ em, temporal, graceSeconds }) => {
  if (!temporal) return [];
  const open = await query<{ id: string; entity: 'evaluation' | 'case_proposal'; status: string }>(
    em,
    `select id, 'evaluation' as entity, status from evaluations
     where dataset_id is not null and deleted_at is null and status in ('queued', 'running')
       and created_at < now() - make_interval(secs => $1)
     union all
     select id, 'case_proposal', status from case_proposals
     where status in ('queued', 'running') and created_at < now() - make_interval(secs => $1)`,
    // A sweep looks after what has been silent for half a minute.
    [Math.max(graceSeconds, 60)],
  );
  const breaches: Breach[] = [];
  for (const { id, entity, status } of open) {
    const workflowId = entity === 'evaluation' ? workflowIds.evaluate(id) : workflowIds.proposeCases(id);
    const workflow = await temporal.stateOf(workflowId);
    if (workflow !== 'running')
      breaches.push({ invariant: 8, entity, id, detail: `it is ${status}, but its workflow is ${workflow}` });
  }
  return breaches;
};
