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
 * Writes what attempts at items of one run have to say, in one statement, which may run without a workspace. Returns the
 * changes that were written: of others the run has ended, or another attempt has taken the item over.
 */
export async function writeItemChanges<Change extends ItemChange>(
  em: EntityManager,
  { workspaceId, evaluationId }: EvaluationKey,
  changes: readonly Change[],
): Promise<Set<Change>> {
  const [row] = await query<{ own: number[] }>(em, `select write_item_changes($1, $2, $3) as own`, [
    workspaceId,
    evaluationId,
    JSON.stringify(withLastWords(changes.map(asRow))),
  ]);
  return new Set(row!.own.map((n) => changes[n]!));
}

type ChangeRow = { n: number; ordinal: number; attempt: number; item: Record<string, unknown> } & Record<
  string,
  unknown
>;

/**
 * Leaves what is said of an item itself to one change of it, where the last word on each field stands: the database takes
 * the changes in any order. An output stays with the call that is settled with it.
 */
function withLastWords(rows: readonly ChangeRow[]): ChangeRow[] {
  const carriers = new Map<string, ChangeRow>();
  for (const row of rows) {
    const key = `${row.ordinal}/${row.attempt}`;
    const known = carriers.get(key);
    const item = { ...known?.item, ...row.item };
    const carrier = known !== undefined && 'output' in known.item && !('output' in row.item) ? known : row;
    carriers.set(key, { ...carrier, item });
  }
  const byPlace = new Map(Array.from(carriers.values(), (carrier) => [carrier.n, carrier]));
  return rows.map((row) => byPlace.get(row.n) ?? { ...row, item: {} });
}

/** A change as the database takes it: what it does not say is not there. */
function asRow(change: ItemChange, n: number): ChangeRow {
  const { ordinal, attempt, start, settle, begin, answer, results } = change;
  return {
    n,
    ordinal,
    attempt,
    item: itemOf(change),
    ...(start && { start: { id: start.callId, model: start.modelId, pricing: start.pricing } }),
    ...(settle && {
      settle: {
        id: settle.callId,
        prompt: settle.usage.promptTokens,
        completion: settle.usage.completionTokens,
        total: settle.usage.totalTokens,
      },
    }),
    ...(begin && {
      begin: {
        id: begin.callId,
        metric: begin.metric,
        position: begin.position,
        request: begin.request,
        hash: begin.requestHash,
      },
    }),
    ...(answer && { answer: { id: answer.callId, ...('error' in answer ? { error: answer.error } : answer) } }),
    ...(results && { results: results.map(({ metricHash: hash, ...result }) => ({ ...result, hash })) }),
  };
}

function itemOf({ state, output, error, isFaulty, turnIds, paid, settle }: ItemChange): Record<string, unknown> {
  const used = paid ?? settle?.usage;
  return {
    ...(state && { state }),
    ...(error !== undefined && { error }),
    ...(isFaulty !== undefined && { faulty: isFaulty }),
    ...(turnIds && { turn_ids: turnIds }),
    ...(output && {
      output: {
        output: output.output,
        prompt: output.prompt,
        contexts: output.contexts,
        tool_calls: output.toolCalls,
        latency_ms: output.latencyMs,
        prompt_tokens: used?.promptTokens ?? null,
        completion_tokens: used?.completionTokens ?? null,
        cost: paid?.cost ?? null,
        currency: paid?.currency ?? null,
      },
    }),
  };
}
