import { query } from '../../../entities/sql.ts';
import type { Database } from '../../../platform/database.ts';
import type { LoggedCall } from '../../support/fake-provider/call-log.ts';

/** How calls kept to what was asked of them, from the provider's own log. */
export type Pace = {
  calls: number;
  refused: number;
  /** The most calls that began within any minute. */
  mostPerMinute: number;
  /** How often a worker told all others that the provider refuses calls. */
  pauses: number;
  /** How long after such a pause began calls were decided on that did not wait for its end. */
  tooSoonMs: number[];
};

const minuteMs = 60_000;
// Between a worker's look at the pause and its decision, which are two transactions; 416 ms were seen at a load of 17 on
// two cores. A call that did not look would come at any moment of the pause.
const decidesWithinMs = 500;

/**
 * Measures the pace of embedding calls. A call is decided on when its usage row is written, before it is sent; `pausesAt`
 * is when workers stored that the provider had asked for `pauseMs`.
 */
export async function paceOfCalls(
  database: Database,
  log: readonly LoggedCall[],
  { pausesAt, pauseMs }: { pausesAt: readonly number[]; pauseMs: number },
): Promise<Pace> {
  const calls = log.filter((call) => call.kind === 'embeddings' && call.idempotencyKey !== null);
  const starts = calls.map((call) => call.startedAt).sort((a, b) => a - b);
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
    const since = Math.round(at - Math.max(...pausesAt.filter((pause) => pause < at - decidesWithinMs)));
    return since < pauseMs ? [since] : [];
  });
  const refused = calls.filter((call) => call.status === 429).length;
  return { calls: calls.length, refused, mostPerMinute, pauses: pausesAt.length, tooSoonMs };
}
