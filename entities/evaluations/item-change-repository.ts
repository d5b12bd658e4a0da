import type { EntityManager } from '@mikro-orm/postgresql';
import type { ProviderUsage } from '../conversations/turn-usage-repository.ts';
import { query } from '../sql.ts';
import type { EvaluationKey } from './evaluation-repository.ts';
import type { StoredContext } from './evaluation-item-repository.ts';

/** A paid call, before it is made. */
export type CallToStart = { callId: string; modelId: string; pricing: Record<string, unknown> };

/** What is known of a call after it; figures that the provider did not give stay null. */
export type CallToSettle = { callId: string; usage: ProviderUsage };

/** A call of a metric, which is kept with its answer. */
export type MetricCall = { callId: string; metric: string; position: number; request: unknown; requestHash: string };

/** What a target gave. */
export type ItemOutput = {
  output: string | null;
  prompt: unknown;
  contexts: StoredContext[];
  toolCalls: { name: string; arguments: unknown }[];
  latencyMs: number | null;
};

/** A metric's word on an item. */
export type ResultToWrite = {
  metric: string;
  metricHash: string;
  state: 'scored' | 'unscored' | 'not_applicable';
  score: number | null;
  reason: string | null;
  details: Record<string, unknown> | null;
};

/** What one attempt at an item has to say; all of it is written, or nothing. */
export type ItemChange = {
  ordinal: number;
  attempt: number;
  state?: 'pending' | 'running' | 'scoring' | 'done' | 'failed';
  output?: ItemOutput;
  error?: { code: string; detail: string } | null;
  /** Whether its calls fail just now; the moment of the first failure is kept. */
  isFaulty?: boolean;
  start?: CallToStart;
  settle?: CallToSettle;
  /** What the output has cost where it was made by calls of others. */
  paid?: { promptTokens: number | null; completionTokens: number | null; cost: string | null; currency: string | null };
  turnIds?: string[];
  begin?: MetricCall;
  answer?: { callId: string; answer: unknown } | { callId: string; error: { code: string; detail: string } };
  results?: ResultToWrite[];
};

/**
 * Writes what attempts at items of one run have to say, in as many statements as there are kinds of it. Returns the
 * changes that were written: of others the run has ended, or another attempt has taken the item over.
 */
export async function writeItemChanges<Change extends ItemChange>(
  em: EntityManager,
  key: EvaluationKey,
  changes: readonly Change[],
): Promise<Set<Change>> {
  const held = await query<{ ordinal: number; attempt: number }>(
    em,
    `select i.ordinal, i.attempt from evaluations e join evaluation_items i on i.evaluation_id = e.id
     where e.id = $1 and e.status = 'running' and i.ordinal = any($2::integer[])
     order by i.ordinal for share of e for no key update of i`,
    [key.evaluationId, [...new Set(changes.map(({ ordinal }) => ordinal))]],
  );
  const attempts = new Map(held.map(({ ordinal, attempt }) => [ordinal, attempt]));
  const own = changes.filter(({ ordinal, attempt }) => attempts.get(ordinal) === attempt);
  // What was paid is known whoever has the item now.
  const costs = await settleCalls(em, pick(changes, 'settle'));
  await startCalls(em, key, own);
  await beginMetricCalls(em, key, own);
  await answerMetricCalls(em, pick(own, 'answer'));
  await writeResults(em, key, own);
  await writeItems(em, key, own, costs);
  return new Set(own);
}

function pick<Key extends keyof ItemChange>(changes: readonly ItemChange[], key: Key): NonNullable<ItemChange[Key]>[] {
  return changes.flatMap((change) => {
    const part = change[key];
    return part === undefined || part === null ? [] : [part];
  });
}

type Cost = { id: string; cost: string | null; currency: string | null };

async function settleCalls(em: EntityManager, settled: readonly CallToSettle[]): Promise<Map<string, Cost>> {
  if (settled.length === 0) return new Map();
  const rows = await query<Cost>(
    em,
    `update usage_metrics u
     set prompt_tokens = s.prompt, completion_tokens = s.completion, total_tokens = s.total, settled_at = now(),
         state = case when s.total is null then 'unknown' else 'settled' end,
         cost = case when u.pricing ->> 'currency' is null then null else p.cost end,
         currency = case when p.cost is null then null else u.pricing ->> 'currency' end
     from unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[]) as s (id, prompt, completion, total)
     join usage_metrics m on m.id = s.id
     cross join lateral (
       select round(((s.prompt::numeric * (m.pricing ->> 'input_per_million')::numeric)
                   + (coalesce(s.completion, 0)::numeric * coalesce(m.pricing ->> 'output_per_million', '0')::numeric))
                   / 1000000, 10) as cost) p
     where u.id = s.id and u.state = 'started'
     returning u.id, u.cost, u.currency`,
    [
      settled.map(({ callId }) => callId),
      settled.map(({ usage }) => usage.promptTokens),
      settled.map(({ usage }) => usage.completionTokens),
      settled.map(({ usage }) => usage.totalTokens),
    ],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

async function startCalls(em: EntityManager, key: EvaluationKey, changes: readonly ItemChange[]): Promise<void> {
  const starting = changes.filter(({ start }) => start !== undefined);
  if (starting.length === 0) return;
  await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, step, attempt, pricing)
     select s.id, $1, 'evaluation', $2, s.model, s.step, s.attempt, s.pricing
     from unnest($3::uuid[], $4::uuid[], $5::integer[], $6::integer[], $7::jsonb[]) as s (id, model, step, attempt, pricing)
     on conflict do nothing`,
    [
      key.workspaceId,
      key.evaluationId,
      starting.map(({ start }) => start!.callId),
      starting.map(({ start }) => start!.modelId),
      starting.map(({ ordinal }) => ordinal),
      starting.map(({ attempt }) => attempt),
      starting.map(({ start }) => JSON.stringify(start!.pricing)),
    ],
  );
}

async function beginMetricCalls(em: EntityManager, key: EvaluationKey, changes: readonly ItemChange[]): Promise<void> {
  const beginning = changes.filter(({ begin }) => begin !== undefined);
  if (beginning.length === 0) return;
  await query(
    em,
    `insert into evaluation_calls (id, workspace_id, evaluation_id, ordinal, metric, position, attempt, request, request_hash)
     select c.id, $1, $2, c.ordinal, c.metric, c.position, c.attempt, c.request, c.hash
     from unnest($3::uuid[], $4::integer[], $5::text[], $6::integer[], $7::integer[], $8::jsonb[], $9::text[])
       as c (id, ordinal, metric, position, attempt, request, hash)
     on conflict do nothing`,
    [
      key.workspaceId,
      key.evaluationId,
      beginning.map(({ begin }) => begin!.callId),
      beginning.map(({ ordinal }) => ordinal),
      beginning.map(({ begin }) => begin!.metric),
      beginning.map(({ begin }) => begin!.position),
      beginning.map(({ attempt }) => attempt),
      beginning.map(({ begin }) => JSON.stringify(begin!.request)),
      beginning.map(({ begin }) => begin!.requestHash),
    ],
  );
}

async function answerMetricCalls(
  em: EntityManager,
  answers: readonly NonNullable<ItemChange['answer']>[],
): Promise<void> {
  if (answers.length === 0) return;
  await query(
    em,
    `update evaluation_calls c
     set state = case when a.error is null then 'answered' else 'failed' end, answer = a.answer, error = a.error,
         settled_at = now()
     from unnest($1::uuid[], $2::jsonb[], $3::jsonb[]) as a (id, answer, error) where c.id = a.id and c.state = 'started'`,
    [
      answers.map(({ callId }) => callId),
      answers.map((given) => ('answer' in given ? JSON.stringify(given.answer) : null)),
      answers.map((given) => ('error' in given ? JSON.stringify(given.error) : null)),
    ],
  );
}

async function writeResults(em: EntityManager, key: EvaluationKey, changes: readonly ItemChange[]): Promise<void> {
  const rows = changes.flatMap(({ ordinal, results = [] }) => results.map((result) => ({ ordinal, ...result })));
  if (rows.length === 0) return;
  await query(
    em,
    `insert into evaluation_results (evaluation_id, ordinal, metric, workspace_id, state, score, reason, details, metric_hash)
     select $1, r.ordinal, r.metric, $2, r.state, r.score, r.reason, r.details, r.hash
     from unnest($3::integer[], $4::text[], $5::text[], $6::double precision[], $7::text[], $8::jsonb[], $9::text[])
       as r (ordinal, metric, state, score, reason, details, hash)
     on conflict do nothing`,
    [
      key.evaluationId,
      key.workspaceId,
      rows.map(({ ordinal }) => ordinal),
      rows.map(({ metric }) => metric),
      rows.map(({ state }) => state),
      rows.map(({ score }) => score),
      rows.map(({ reason }) => reason),
      rows.map(({ details }) => details && JSON.stringify(details)),
      rows.map(({ metricHash }) => metricHash),
    ],
  );
}

type ItemRow = Record<string, unknown> & { ordinal: number };

async function writeItems(
  em: EntityManager,
  key: EvaluationKey,
  changes: readonly ItemChange[],
  costs: ReadonlyMap<string, Cost>,
): Promise<void> {
  const rows = new Map<number, ItemRow>();
  for (const change of changes) {
    const { ordinal, state, output, settle, error, isFaulty, turnIds } = change;
    const row: ItemRow = rows.get(ordinal) ?? { ordinal };
    if (state !== undefined) row['state'] = state;
    if (error !== undefined) Object.assign(row, { error, has_error: true });
    if (isFaulty !== undefined) row['faulty'] = isFaulty;
    if (output !== undefined) {
      const paid = change.paid ?? (settle === undefined ? undefined : costs.get(settle.callId));
      const used = change.paid ?? settle?.usage;
      Object.assign(row, {
        has_output: true,
        output: output.output,
        prompt: output.prompt,
        contexts: output.contexts,
        tool_calls: output.toolCalls,
        latency_ms: output.latencyMs,
        prompt_tokens: used?.promptTokens ?? null,
        completion_tokens: used?.completionTokens ?? null,
        cost: paid?.cost ?? null,
        currency: paid?.currency ?? null,
      });
    }
    if (turnIds !== undefined) row['turn_ids'] = turnIds;
    if (Object.keys(row).length > 1) rows.set(ordinal, row);
  }
  if (rows.size === 0) return;
  await query(
    em,
    `update evaluation_items i
     set state = coalesce(u.state, i.state),
         started_at = case when u.state = 'running' then coalesce(i.started_at, now()) else i.started_at end,
         completed_at = case when u.state in ('done', 'failed') then now() else i.completed_at end,
         error = case when u.has_error then u.error else i.error end,
         faulty_since = case when u.faulty then coalesce(i.faulty_since, now()) when not u.faulty then null
                             else i.faulty_since end,
         turn_ids = coalesce(u.turn_ids, i.turn_ids),
         output = case when u.has_output then u.output else i.output end,
         prompt = case when u.has_output then u.prompt else i.prompt end,
         contexts = case when u.has_output then u.contexts else i.contexts end,
         tool_calls = case when u.has_output then u.tool_calls else i.tool_calls end,
         latency_ms = case when u.has_output then u.latency_ms else i.latency_ms end,
         prompt_tokens = case when u.has_output then u.prompt_tokens else i.prompt_tokens end,
         completion_tokens = case when u.has_output then u.completion_tokens else i.completion_tokens end,
         cost = case when u.has_output then u.cost else i.cost end,
         currency = case when u.has_output then u.currency else i.currency end
     from jsonb_to_recordset($2::jsonb) as u (ordinal integer, state text, has_error boolean, error jsonb, faulty boolean,
       turn_ids jsonb, has_output boolean, output text, prompt jsonb, contexts jsonb, tool_calls jsonb, latency_ms double precision,
       prompt_tokens integer, completion_tokens integer, cost numeric, currency text)
     where i.evaluation_id = $1 and i.ordinal = u.ordinal`,
    [key.evaluationId, JSON.stringify([...rows.values()])],
  );
}
