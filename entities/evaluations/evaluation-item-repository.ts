import type { EntityManager } from '@mikro-orm/postgresql';
import type { EvaluationKey } from './evaluation-repository.ts';
import type { CaseRow } from './evaluation-case-repository.ts';
import { inVersion } from './evaluation-case-repository.ts';
import { query } from '../sql.ts';

/** What an item is made of besides its case. */
export type ItemsToMake = EvaluationKey & {
  datasetId: string;
  datasetVersion: number;
  /** One for each variant: of everything that decides its output. */
  variantHashes: readonly string[];
  repetitions: number;
  tags: readonly string[];
  limit: number | null;
};

/** Makes the items of a run, unless they are there: variant by variant, repetition by repetition, case by case. */
export async function makeItems(em: EntityManager, make: ItemsToMake): Promise<void> {
  await query(
    em,
    `with cases as materialized (
       select id, case_key, content_hash, row_number() over (order by position, id) - 1 as place
       from evaluation_cases
       where ${inVersion} and ($7::text[] = '{}' or tags && $7) order by position, id limit $8)
     insert into evaluation_items (evaluation_id, ordinal, workspace_id, case_id, case_key, variant, repetition, item_hash)
     select $3, (v.n - 1) * $6::integer * t.total + r.n * t.total + c.place, $4, c.id, c.case_key, v.n - 1, r.n,
            encode(sha256(convert_to(v.hash || '/' || c.content_hash || '/' || r.n, 'UTF8')), 'hex')
     from cases c cross join (select count(*) as total from cases) t
       cross join unnest($5::text[]) with ordinality as v (hash, n)
       cross join generate_series(0, $6::integer - 1) as r (n)
     where not exists (select from evaluation_items where evaluation_id = $3)
     on conflict do nothing`,
    [
      make.datasetId,
      make.datasetVersion,
      make.evaluationId,
      make.workspaceId,
      make.variantHashes,
      make.repetitions,
      make.tags,
      make.limit,
    ],
  );
}

/**
 * Takes over what earlier runs of the workspace have answered and scored where nothing has changed: the newest output with
 * the same hash, and its scores of metrics with the same label and hash. Only items that were never begun.
 */
export async function reuseItems(
  em: EntityManager,
  { evaluationId, workspaceId }: EvaluationKey,
  metrics: readonly { label: string; hash: string }[],
): Promise<number> {
  const taken = await query<{ ordinal: number }>(
    em,
    `update evaluation_items i
     set state = 'scoring', output = o.output, prompt = o.prompt, contexts = o.contexts, tool_calls = o.tool_calls,
         turn_ids = o.turn_ids, prompt_tokens = o.prompt_tokens, completion_tokens = o.completion_tokens, cost = o.cost,
         currency = o.currency, latency_ms = o.latency_ms, reused_from = coalesce(o.reused_from, o.evaluation_id),
         started_at = now()
     from evaluation_items p
     cross join lateral (
       select * from evaluation_items d
       where d.workspace_id = $2 and d.item_hash = p.item_hash and d.state = 'done' and d.evaluation_id <> $1
       order by d.completed_at desc limit 1) o
     where i.evaluation_id = $1 and p.evaluation_id = $1 and p.ordinal = i.ordinal and i.state = 'pending' and i.attempt = 0
     returning i.ordinal`,
    [evaluationId, workspaceId],
  );
  if (taken.length === 0) return 0;
  await query(
    em,
    `insert into evaluation_results (evaluation_id, ordinal, metric, workspace_id, state, score, reason, details,
       metric_hash, reused_from)
     select $1, i.ordinal, r.metric, $2, r.state, r.score, r.reason, r.details, r.metric_hash,
            coalesce(r.reused_from, r.evaluation_id)
     from evaluation_items i
     join evaluation_items o on o.workspace_id = $2 and o.item_hash = i.item_hash and o.state = 'done'
       and o.evaluation_id = i.reused_from
     join evaluation_results r on r.evaluation_id = o.evaluation_id and r.ordinal = o.ordinal and r.state <> 'unscored'
     join unnest($3::text[], $4::text[]) as m (label, hash) on m.label = r.metric and m.hash = r.metric_hash
     where i.evaluation_id = $1 and i.reused_from is not null on conflict do nothing`,
    [evaluationId, workspaceId, metrics.map(({ label }) => label), metrics.map(({ hash }) => hash)],
  );
  await query(
    em,
    `update evaluation_items i set state = 'done', completed_at = now()
     where evaluation_id = $1 and state = 'scoring' and reused_from is not null
       and (select count(*) from evaluation_results r where r.evaluation_id = $1 and r.ordinal = i.ordinal) = $2`,
    [evaluationId, metrics.length],
  );
  return taken.length;
}

/** How many items a run has. */
export async function countItems(em: EntityManager, { evaluationId }: EvaluationKey): Promise<number> {
  const [row] = await query<{ total: number }>(
    em,
    `select count(*)::integer as total from evaluation_items where evaluation_id = $1`,
    [evaluationId],
  );
  return row!.total;
}

/** The numbers of the blocks of items that hold open ones, in ascending order, and how many items there are. */
export async function readOpenBlocks(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
  itemsPerBlock: number,
): Promise<{ blocks: number[]; total: number; open: number; waitingTurns: number }> {
  const [row] = await query<{ blocks: number[]; total: number; open: number; waitingTurns: number }>(
    em,
    `select coalesce(jsonb_agg(distinct ordinal / $2::integer) filter (where state in ('pending', 'running', 'scoring')), '[]')
              as blocks,
            count(*)::integer as total,
            (count(*) filter (where state in ('pending', 'running', 'scoring')))::integer as open,
            (count(*) filter (where state in ('pending', 'running')))::integer as "waitingTurns"
     from evaluation_items where evaluation_id = $1`,
    [evaluationId, itemsPerBlock],
  );
  return { ...row!, blocks: row!.blocks.toSorted((a, b) => a - b) };
}

/** An item that this attempt may work on, with its case and what is known of its metrics. */
export type ClaimedItem = {
  ordinal: number;
  attempt: number;
  state: 'pending' | 'running' | 'scoring';
  case_id: string;
  case_key: string;
  variant: number;
  repetition: number;
  output: string | null;
  prompt: unknown;
  contexts: StoredContext[];
  tool_calls: Array<{ name: string; arguments: unknown }>;
  turn_ids: string[];
  latency_ms: number | null;
  cost: string | null;
  crashes: number;
  error: { code: string; detail: string } | null;
  /** For how long its calls have failed, in milliseconds; null while they do not. */
  faulty_ms: number | null;
  input: CaseRow['input'];
  expected_answer: string | null;
  expected_documents: CaseRow['expected_documents'];
  expected_chunks: CaseRow['expected_chunks'];
  expected_tool_calls: CaseRow['expected_tool_calls'];
  is_unanswerable: boolean;
  metadata: Record<string, unknown>;
};

/** A passage that a target has used, best first. */
export type StoredContext = {
  document_id: string;
  chunk_index: number;
  title: string;
  source_url: string | null;
  source_path: string | null;
  text: string;
};

/**
 * Takes over the open items of a range for one attempt; what an attempt before this one still does is fenced. Null where
 * the run has ended.
 */
export async function claimItems(
  em: EntityManager,
  { evaluationId, from, to, states }: EvaluationKey & { from: number; to: number; states: readonly string[] },
): Promise<ClaimedItem[] | null> {
  const [run] = await query(
    em,
    `update evaluations set updated_at = now() where id = $1 and status = 'running' returning id`,
    [evaluationId],
  );
  if (!run) return null;
  return query<ClaimedItem>(
    em,
    `with claimed as (
       update evaluation_items
       set attempt = attempt + 1, crashes = crashes + case when state = 'running' then 1 else 0 end
       where evaluation_id = $1 and ordinal >= $2 and ordinal < $3 and state = any($4::text[])
       returning *)
     select i.ordinal, i.attempt, i.state, i.case_id, i.case_key, i.variant, i.repetition, i.output, i.prompt, i.contexts,
            i.tool_calls, i.turn_ids, i.latency_ms, i.cost, i.crashes, i.error,
            extract(epoch from clock_timestamp() - i.faulty_since) * 1000 as faulty_ms,
            c.input, c.expected_answer, c.expected_documents, c.expected_chunks, c.expected_tool_calls,
            c.is_unanswerable, c.metadata
     from claimed i join evaluation_cases c on c.id = i.case_id order by i.ordinal`,
    [evaluationId, from, to, states],
  );
}

/** What is kept of the metrics of some items: labels that have a result, and answers of calls in their order. */
export async function readScoring(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
  ordinals: readonly number[],
): Promise<{
  results: { ordinal: number; metric: string }[];
  calls: { ordinal: number; metric: string; position: number; request_hash: string; answer: unknown }[];
}> {
  const results = await query<{ ordinal: number; metric: string }>(
    em,
    `select ordinal, metric from evaluation_results where evaluation_id = $1 and ordinal = any($2::integer[])`,
    [evaluationId, ordinals],
  );
  const calls = await query<{
    ordinal: number;
    metric: string;
    position: number;
    request_hash: string;
    answer: unknown;
  }>(
    em,
    `select ordinal, metric, position, request_hash, answer from evaluation_calls
     where evaluation_id = $1 and ordinal = any($2::integer[]) and state = 'answered'`,
    [evaluationId, ordinals],
  );
  return { results, calls };
}

/** Closes the calls that dead attempts have left open: nobody will ever know their figures. */
export async function closeLostCalls(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
  lost: { ordinals: readonly number[]; targetCallIds: readonly string[] },
): Promise<void> {
  const calls = await query<{ id: string }>(
    em,
    `update evaluation_calls set state = 'failed', settled_at = now(),
       error = '{"code": "unavailable", "detail": "The worker died during the call."}'
     where evaluation_id = $1 and ordinal = any($2::integer[]) and state = 'started' returning id`,
    [evaluationId, lost.ordinals],
  );
  await query(
    em,
    `update usage_metrics set state = 'unknown', settled_at = now() where id = any($1::uuid[]) and state = 'started'`,
    [[...lost.targetCallIds, ...calls.map(({ id }) => id)]],
  );
}
