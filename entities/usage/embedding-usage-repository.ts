import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A paid embedding call, before it is made; `step` is the index of its first chunk. */
export type EmbeddingCall = {
  callId: string;
  workspaceId: string;
  documentId: string;
  modelId: string;
  step: number;
  attempt: number;
  pricing: Record<string, unknown>;
};

/**
 * Writes the row of a paid call before the call is made; its id is the call id that the provider is sent. `unlessPaused`
 * notes it, for a model without limits, only if its provider has not asked for a pause. Returns whether a row was written.
 */
export async function startEmbeddingUsage(
  em: EntityManager,
  call: EmbeddingCall,
  { unlessPaused = false }: { unlessPaused?: boolean } = {},
): Promise<boolean> {
  const rows = await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, step, attempt, pricing)
     select $1, $2, 'document', $3, $4, $5, $6, $7
     where not $8 or not exists (
       select from rate_limits r where r.workspace_id = $2 and r.model_id = $4 and r.blocked_until > clock_timestamp())
     on conflict do nothing returning id`,
    [
      call.callId,
      call.workspaceId,
      call.documentId,
      call.modelId,
      call.step,
      call.attempt,
      JSON.stringify(call.pricing),
      unlessPaused,
    ],
  );
  return rows.length > 0;
}

/**
 * The number of the attempt at calls for a range of a document's chunks: the same while every call of it was settled, for a
 * step that only waited for its turn tries nothing again; else the next. Calls of earlier attempts whose figures have not
 * arrived become unknown. Counted by the rows: a step that runs within a workflow task is not told of the attempts that
 * died before it.
 */
export async function beginEmbeddingAttempt(
  em: EntityManager,
  documentId: string,
  range: { from: number; to: number },
): Promise<number> {
  const [row] = await query<{ attempt: number; pending: boolean }>(
    em,
    `with calls as (
       select attempt, state from usage_metrics
       where entity_type = 'document' and entity_id = $1 and step >= $2 and step < $3),
     last as (select max(attempt) as attempt from calls)
     select coalesce(max(last.attempt), 0)::integer + case
              when max(last.attempt) is null or bool_or(calls.attempt = last.attempt and calls.state <> 'settled')
              then 1 else 0 end as attempt,
            coalesce(bool_or(calls.state = 'started'), false) as pending
     from last left join calls on true`,
    [documentId, range.from, range.to],
  );
  const { attempt, pending } = row!;
  if (pending) await forgetEmbeddingUsage(em, documentId, { ...range, attempt });
  return attempt;
}

/** The same for several documents, all of whose chunks are meant; returns the attempt of each document. */
export async function beginEmbeddingAttempts(
  em: EntityManager,
  documents: readonly { documentId: string; chunks: number }[],
): Promise<Map<string, number>> {
  if (documents.length === 0) return new Map();
  const rows = await query<{ documentId: string; calls: number }>(
    em,
    `select entity_id as "documentId", count(*)::integer as calls from usage_metrics
     where entity_type = 'document' and entity_id = any($1::uuid[]) group by entity_id`,
    [documents.map(({ documentId }) => documentId)],
  );
  const known = new Set(rows.map((row) => row.documentId));
  const attempts = new Map<string, number>();
  for (const { documentId, chunks } of documents) {
    const attempt = known.has(documentId) ? await beginEmbeddingAttempt(em, documentId, { from: 0, to: chunks }) : 1;
    attempts.set(documentId, attempt);
  }
  return attempts;
}

/** Notes calls of one model, unless its provider has asked for a pause; returns the ids of those that it wrote. */
export async function startEmbeddingUsages(em: EntityManager, calls: readonly EmbeddingCall[]): Promise<Set<string>> {
  const [first] = calls;
  if (!first) return new Set();
  const rows = await query<{ id: string }>(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, step, attempt, pricing)
     select c.id, $1, 'document', c.document_id, $2, c.step, c.attempt, $3
     from unnest($4::uuid[], $5::uuid[], $6::integer[], $7::integer[]) as c (id, document_id, step, attempt)
     where not exists (
       select from rate_limits r where r.workspace_id = $1 and r.model_id = $2 and r.blocked_until > clock_timestamp())
     on conflict do nothing returning id`,
    [
      first.workspaceId,
      first.modelId,
      JSON.stringify(first.pricing),
      calls.map((call) => call.callId),
      calls.map((call) => call.documentId),
      calls.map((call) => call.step),
      calls.map((call) => call.attempt),
    ],
  );
  return new Set(rows.map((row) => row.id));
}

/** Settles a call with the provider's own figure; null stays unknown. The cost comes from the price copied at its start. */
export async function settleEmbeddingUsage(
  em: EntityManager,
  callId: string,
  promptTokens: number | null,
): Promise<void> {
  await settleEmbeddingUsages(em, [{ callId, promptTokens }]);
}

/** The same for several calls. */
export async function settleEmbeddingUsages(
  em: EntityManager,
  calls: readonly { callId: string; promptTokens: number | null }[],
): Promise<void> {
  await query(
    em,
    `with priced as (
       select id, s.tokens, round(s.tokens::numeric * (pricing ->> 'input_per_million')::numeric / 1000000, 10) as cost,
              pricing ->> 'currency' as currency
       from usage_metrics join unnest($1::uuid[], $2::integer[]) as s (call_id, tokens) on id = s.call_id)
     update usage_metrics u
     set prompt_tokens = p.tokens, total_tokens = p.tokens, settled_at = now(),
         state = case when p.tokens is null then 'unknown' else 'settled' end,
         cost = case when p.currency is null then null else p.cost end,
         currency = case when p.cost is null then null else p.currency end
     from priced p where u.id = p.id and u.state <> 'settled'`,
    [calls.map(({ callId }) => callId), calls.map(({ promptTokens }) => promptTokens)],
  );
}

/** Marks calls of a document as unknown whose figures never arrived: all of them, or a range of steps before `attempt`. */
export async function forgetEmbeddingUsage(
  em: EntityManager,
  documentId: string,
  lane?: { from: number; to: number; attempt: number },
): Promise<void> {
  await query(
    em,
    `update usage_metrics set state = 'unknown', settled_at = now()
     where entity_type = 'document' and entity_id = $1 and state = 'started'
       and ($2::integer is null or (step >= $2 and step < $3 and attempt < $4))`,
    [documentId, lane?.from ?? null, lane?.to ?? null, lane?.attempt ?? null],
  );
}

/**
 * Marks calls of generations that have ended as unknown whose figures never arrived. Calls that were noted after a later
 * generation of their document had been accepted may be its own, and are left to its end if that is still to come.
 */
export async function forgetUsageOfEnded(
  em: EntityManager,
  ended: readonly { documentId: string; generation: number }[],
): Promise<void> {
  await query(
    em,
    `update usage_metrics u set state = 'unknown', settled_at = now()
     from unnest($1::uuid[], $2::integer[]) as e (document_id, generation)
     where u.entity_type = 'document' and u.entity_id = e.document_id and u.state = 'started'
       and not exists (
         select from document_generations g
         where g.document_id = e.document_id and g.generation > e.generation and g.created_at <= u.timestamp
           and g.state in ('staging', 'ready'))`,
    [ended.map(({ documentId }) => documentId), ended.map(({ generation }) => generation)],
  );
}
