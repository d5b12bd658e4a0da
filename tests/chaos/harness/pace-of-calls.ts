import type { LoggedCall } from '../../support/fake-provider/call-log.ts';

/** How calls kept to what was asked of them, from the provider's own log. */
export type Pace = {
  calls: number;
  refused: number;
  /** The most calls that began within any minute. */
  mostPerMinute: number;
  /** Calls that began while a refusal's `Retry-After` had not passed, though it had been known for `knownMs`. */
  tooSoon: number;
};

const minuteMs = 60_000;
// What was on its way when the refusal arrived cannot be called back; workers share a refusal by a row.
const knownMs = 150;

/** Measures the pace of embedding calls; `retryAfterMs` is what each refusal asked for. */
export function paceOfCalls(log: readonly LoggedCall[], retryAfterMs: number): Pace {
  const calls = log.filter((call) => call.kind === 'embeddings' && call.idempotencyKey !== null);
  const starts = calls.map((call) => call.startedAt).sort((a, b) => a - b);
  const refusals = calls.filter((call) => call.status === 429).map((call) => call.finishedAt ?? call.startedAt);
  const mostPerMinute = Math.max(
    0,
    ...starts.map((start, n) => starts.slice(n).filter((other) => other < start + minuteMs).length),
  );
  const tooSoon = starts.filter((start) =>
    refusals.some((refusal) => start > refusal + knownMs && start < refusal + retryAfterMs - knownMs),
  ).length;
  return { calls: calls.length, refused: refusals.length, mostPerMinute, tooSoon };
}
