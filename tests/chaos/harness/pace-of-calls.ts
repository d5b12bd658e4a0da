import { query } from '../../../entities/sql.ts';
import type { Database } from '../../../platform/database.ts';
import type { LoggedCall } from '../../support/fake-provider/call-log.ts';

/** How calls kept to what was asked of them, from the provider's own log. */
export type Pace = {
  calls: number;
  refused: number;
  /** The most calls that began within any minute. */
  mostPerMinute: number;
  /** How long after the last refusal calls were decided on that did not wait for its `Retry-After`. */
  tooSoonMs: number[];
};

const minuteMs = 60_000;
// Until a refusal has been read and shared by a row, on a machine whose cores are all busy.
const knownMs = 300;

/**
 * Measures the pace of embedding calls; `retryAfterMs` is what each refusal asked for. A call is decided on when its
 * usage row is written, before it is sent.
 */
export async function paceOfCalls(database: Database, log: readonly LoggedCall[], retryAfterMs: number): Promise<Pace> {
  const calls = log.filter((call) => call.kind === 'embeddings' && call.idempotencyKey !== null);
  const starts = calls.map((call) => call.startedAt).sort((a, b) => a - b);
  const refusals = calls.filter((call) => call.status === 429).map((call) => call.finishedAt ?? call.startedAt);
  const mostPerMinute = Math.max(
    0,
    ...starts.map((start, n) => starts.slice(n).filter((other) => other < start + minuteMs).length),
  );
  const decided = await database.asOperator((em) =>
    query<{ at: number }>(
      em,
      `select extract(epoch from timestamp)::float8 * 1000 as at from usage_metrics where id = any($1::uuid[])`,
      [calls.map((call) => call.idempotencyKey)],
    ),
  );
  const tooSoonMs = decided.flatMap(({ at }) => {
    const since = Math.round(at - Math.max(...refusals.filter((refusal) => refusal < at)));
    return since > knownMs && since < retryAfterMs - knownMs ? [since] : [];
  });
  return { calls: calls.length, refused: refusals.length, mostPerMinute, tooSoonMs };
}
