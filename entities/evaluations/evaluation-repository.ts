import type { EntityManager } from '@mikro-orm/postgresql';
import type { EvaluationConfiguration, EvaluationPlan } from '../../contracts/names/evaluation-plan.ts';
import { query } from '../sql.ts';
import { queueFrom } from '../webhooks/queue-events.ts';

/** One run. */
export type EvaluationKey = { workspaceId: string; evaluationId: string };

type EvaluationType = 'agent' | 'rag_tool' | 'retrieval_tool' | 'prompt_template' | 'endpoint';
type EvaluationStatus = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** A run with the number of its items by state. */
export type EvaluationRow = {
  id: string;
  name: string;
  type: EvaluationType;
  status: EvaluationStatus;
  verdict: 'passed' | 'failed' | 'incomplete' | null;
  verdict_reasons: unknown[];
  dataset_id: string | null;
  dataset_version: number | null;
  dataset_hash: string | null;
  target: EvaluationPlan;
  configuration: EvaluationConfiguration;
  baseline_id: string | null;
  reuse: boolean;
  git_revision: string | null;
  results: Record<string, unknown>[];
  metrics: Record<string, unknown>;
  error: { code: string; detail: string } | null;
  run_id: string | null;
  created_at: Date;
  updated_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
  /** Those that failed because a budget refused their calls are `refused`. */
  items: Partial<Record<'refused' | 'pending' | 'running' | 'scoring' | 'done' | 'failed' | 'cancelled', number>>;
};

const columns = `
  e.id, e.name, e.type, e.status, e.verdict, e.verdict_reasons, e.dataset_id, e.dataset_version, e.dataset_hash, e.target,
  e.configuration, e.baseline_id, e.reuse, e.git_revision, e.results, e.metrics, e.error, e.run_id, e.created_at,
  e.updated_at, e.started_at, e.completed_at,
  coalesce((select jsonb_object_agg(state, n) from (
    select case when i.state = 'failed' and i.error ->> 'code' = 'budget_exhausted' then 'refused' else i.state end as state,
           count(*) as n
    from evaluation_items i where i.evaluation_id = e.id group by 1) s), '{}') as items`;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A run of a data set by id or name; an id goes before a name like it. */
export async function findEvaluation(em: EntityManager, nameOrId: string): Promise<EvaluationRow | null> {
  const [row] = await query<EvaluationRow>(
    em,
    `select ${columns} from evaluations e
     where e.deleted_at is null and e.dataset_id is not null and (e.id = $1 or e.name = $2) order by e.id = $1 desc limit 1`,
    [uuid.test(nameOrId) ? nameOrId : null, nameOrId],
  );
  return row ?? null;
}

/** Runs, newest first, below an id. */
export async function listEvaluations(
  em: EntityManager,
  page: { status: string | null; datasetId: string | null; beforeId: string | null; limit: number },
): Promise<EvaluationRow[]> {
  return query<EvaluationRow>(
    em,
    `select ${columns} from evaluations e
     where e.deleted_at is null and e.dataset_id is not null and ($1::text is null or e.status = $1)
       and ($2::uuid is null or e.dataset_id = $2) and ($3::uuid is null or e.id < $3)
     order by e.id desc limit $4`,
    [page.status, page.datasetId, page.beforeId, page.limit],
  );
}

/** Writes a run that is to be started; its items come with its first step. */
export async function createEvaluation(
  em: EntityManager,
  run: EvaluationKey & {
    name: string;
    type: EvaluationType;
    targetId: string | null;
    testCases: unknown[];
    datasetId: string;
    datasetVersion: number;
    datasetHash: string;
    configuration: EvaluationConfiguration;
    target: EvaluationPlan;
    baselineId: string | null;
    reuse: boolean;
    gitRevision: string | null;
  },
): Promise<void> {
  await query(
    em,
    `insert into evaluations (id, workspace_id, name, type, target_id, test_cases, dataset_id, dataset_version,
       dataset_hash, configuration, target, baseline_id, reuse, git_revision)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      run.evaluationId,
      run.workspaceId,
      run.name,
      run.type,
      run.targetId,
      JSON.stringify(run.testCases),
      run.datasetId,
      run.datasetVersion,
      run.datasetHash,
      JSON.stringify(run.configuration),
      JSON.stringify(run.target),
      run.baselineId,
      run.reuse,
      run.gitRevision,
    ],
  );
}

/** What the steps of a run need to know of it; none of it ever changes. */
export type RunPlan = {
  type: EvaluationType;
  target: EvaluationPlan;
  configuration: EvaluationConfiguration;
  datasetId: string;
  datasetVersion: number;
  datasetHash: string;
  baselineId: string | null;
  reuse: boolean;
};

/** The plan of a run; null where there is no such run. */
export async function readRunPlan(em: EntityManager, { evaluationId }: EvaluationKey): Promise<RunPlan | null> {
  const [row] = await query<RunPlan>(
    em,
    `select type, target, configuration, dataset_id as "datasetId", dataset_version as "datasetVersion",
            dataset_hash as "datasetHash", baseline_id as "baselineId", reuse
     from evaluations where id = $1 and dataset_id is not null and deleted_at is null`,
    [evaluationId],
  );
  return row ?? null;
}

/** Lets a run begin, or go on by another workflow run; false if it has ended. Holds it until the transaction ends. */
export async function beginRun(em: EntityManager, { evaluationId }: EvaluationKey, runId: string): Promise<boolean> {
  const rows = await query(
    em,
    `update evaluations
     set status = 'running', run_id = $2, started_at = coalesce(started_at, now()), updated_at = now()
     where id = $1 and status in ('queued', 'running') and deleted_at is null and dataset_id is not null returning id`,
    [evaluationId, runId],
  );
  return rows.length > 0;
}

/** How a run ended. */
export type RunEnd =
  | {
      status: 'completed';
      verdict: 'passed' | 'failed' | 'incomplete';
      reasons: unknown[];
      results: Record<string, unknown>[];
      metrics: Record<string, unknown>;
    }
  | { status: 'failed' | 'cancelled'; error: { code: string; detail: string } };

/** Ends a run that has not ended, and what is open of its items; false if it has. What was measured stays. */
export async function endRun(em: EntityManager, { evaluationId }: EvaluationKey, end: RunEnd): Promise<boolean> {
  const done = end.status === 'completed' ? end : null;
  const rows = await query(
    em,
    `with ended as (
       update evaluations
       set status = $2, verdict = $3, verdict_reasons = $4, results = coalesce($5::jsonb, results),
           metrics = coalesce($6::jsonb, metrics), error = $7, completed_at = now()
       where id = $1 and status in ('queued', 'running') returning *),
     happened as (
       select workspace_id, 'evaluation.' || status as event,
              concat('evaluation/', id, '/', extract(epoch from completed_at)) as key,
              jsonb_build_object('evaluation_id', id, 'name', name, 'status', status, 'verdict', verdict,
                                 'dataset_id', dataset_id, 'dataset_version', dataset_version, 'error', error) as data
       from ended),
     queued as (${queueFrom('happened')})
     select id from ended`,
    [
      evaluationId,
      end.status,
      done?.verdict ?? (end.status === 'failed' ? 'incomplete' : null),
      JSON.stringify(done?.reasons ?? []),
      done && JSON.stringify(done.results),
      done && JSON.stringify(done.metrics),
      'error' in end ? JSON.stringify(end.error) : null,
    ],
  );
  if (rows.length === 0) return false;
  if (end.status !== 'completed')
    await query(
      em,
      `update evaluation_items set state = 'cancelled', completed_at = now()
       where evaluation_id = $1 and state in ('pending', 'running', 'scoring')`,
      [evaluationId],
    );
  return true;
}

/**
 * Opens what failed again, and what has no score: items that failed or were cancelled are run anew, unscored metrics are
 * judged anew. Returns how many items are open; the run is queued if any is.
 */
export async function reopenRun(em: EntityManager, { evaluationId }: EvaluationKey): Promise<number> {
  const [held] = await query<{ status: EvaluationStatus }>(
    em,
    `select status from evaluations where id = $1 for update`,
    [evaluationId],
  );
  if (!held || ['queued', 'running'].includes(held.status)) return 0;
  // Kept answers that a metric could not use would leave it unscored again.
  await query(
    em,
    `update evaluation_calls c
     set state = 'failed', error = '{"code": "answer_unusable", "detail": "The metric could not use this answer."}'
     from evaluation_results r
     where c.evaluation_id = $1 and r.evaluation_id = $1 and r.ordinal = c.ordinal and r.metric = c.metric
       and c.state = 'answered' and r.state = 'unscored' and c.position >= (r.details ->> 'unusable_from')::integer`,
    [evaluationId],
  );
  await query(
    em,
    `delete from evaluation_results r using evaluation_items i
     where r.evaluation_id = $1 and i.evaluation_id = $1 and i.ordinal = r.ordinal
       and (r.state = 'unscored' or i.state in ('failed', 'cancelled') and i.output is null)`,
    [evaluationId],
  );
  const [opened] = await query<{ open: number }>(
    em,
    `with reopened as (
       update evaluation_items i
       set state = case when i.output is not null or i.state = 'done' then 'scoring' else 'pending' end, error = null,
           faulty_since = null, crashes = 0, completed_at = null
       where i.evaluation_id = $1 and (i.state in ('failed', 'cancelled')
         or i.state = 'done' and (select count(*) from evaluation_results r
                                  where r.evaluation_id = $1 and r.ordinal = i.ordinal) < $2)
       returning 1)
     select count(*)::integer as open from reopened`,
    [evaluationId, await countMetrics(em, evaluationId)],
  );
  if (opened!.open === 0) return 0;
  await query(em, `delete from evaluation_pacing where evaluation_id = $1`, [evaluationId]);
  await query(
    em,
    `update evaluations set status = 'queued', verdict = null, verdict_reasons = '[]', error = null, completed_at = null,
       restarts = 0 where id = $1`,
    [evaluationId],
  );
  return opened!.open;
}

async function countMetrics(em: EntityManager, evaluationId: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    em,
    `select jsonb_array_length(configuration -> 'metrics') as count from evaluations where id = $1`,
    [evaluationId],
  );
  return row!.count;
}

/** The name of a run of a data set that has not ended; null where there is none. */
export async function findUnfinishedRun(em: EntityManager, datasetId: string): Promise<string | null> {
  const [row] = await query<{ name: string }>(
    em,
    `select name from evaluations where dataset_id = $1 and status in ('queued', 'running') and deleted_at is null limit 1`,
    [datasetId],
  );
  return row?.name ?? null;
}

/** Marks a run as deleted; its name can be used again. */
export async function deleteEvaluation(em: EntityManager, evaluationId: string): Promise<void> {
  await query(em, `update evaluations set deleted_at = now() where id = $1`, [evaluationId]);
}

/** A run that nobody may be working on. */
export type StrayRun = EvaluationKey & { status: 'queued' | 'running'; restarts: number };

/**
 * Finds runs that were accepted a few seconds ago and have not begun, and runs that nobody has told to be alive for a
 * while. They are marked, so that the next look leaves them alone for as long. For the operator role.
 */
export async function claimStrayRuns(em: EntityManager, limit: number): Promise<StrayRun[]> {
  return query<StrayRun>(
    em,
    `update evaluations e set updated_at = now()
     from (select id from evaluations
           where dataset_id is not null and (status = 'queued' and updated_at < now() - interval '5 seconds'
              or status = 'running' and updated_at < now() - interval '30 seconds')
           order by updated_at limit $1 for update skip locked) stray
     where e.id = stray.id
     returning e.workspace_id as "workspaceId", e.id as "evaluationId", e.status, e.restarts`,
    [limit],
  );
}

/** Notes that the workflow of a run is started which should have been running. For the operator role. */
export async function noteRunRestart(em: EntityManager, { evaluationId }: EvaluationKey): Promise<void> {
  await query(em, `update evaluations set restarts = restarts + 1 where id = $1`, [evaluationId]);
}

/** What Temporal's UI tells of a run besides its history. */
export type RunMemo = {
  name: string;
  dataset: string;
  dataset_hash: string;
  target: string;
  versions: string;
  git_revision: string;
};

/** The memo with which the workflow of a run is started. For the operator role, or within the workspace. */
export async function readRunMemo(em: EntityManager, { evaluationId }: EvaluationKey): Promise<RunMemo | null> {
  const [row] = await query<{
    name: string;
    type: string;
    dataset: string;
    version: number;
    hash: string;
    target: EvaluationPlan;
    git_revision: string | null;
  }>(
    em,
    `select e.name, e.type, d.id as dataset, e.dataset_version as version, e.dataset_hash as hash, e.target, e.git_revision
     from evaluations e join evaluation_datasets d on d.id = e.dataset_id where e.id = $1`,
    [evaluationId],
  );
  if (!row) return null;
  const versions = row.target.variants.map(({ agent, template, ragTool, retrievalTool, model }) =>
    [
      agent && `agent ${agent.id}@${agent.version}`,
      template && `template ${template.id}@${template.version}`,
      ragTool && `rag_tool ${ragTool.id}@${ragTool.version}`,
      retrievalTool && `retrieval_tool ${retrievalTool.id}@${retrievalTool.version}`,
      model && `model ${model.id}@${model.updatedAt}`,
    ]
      .filter((part) => part !== null)
      .join(', '),
  );
  return {
    name: row.name,
    dataset: `${row.dataset}@${row.version}`,
    dataset_hash: row.hash,
    target: row.type,
    versions: versions.join('; ').slice(0, 2000),
    git_revision: row.git_revision ?? '',
  };
}
