import { restHint } from '../../contracts/turn-hints.ts';
import type { EventToAppend } from '../../entities/conversations/turn-outcome-repository.ts';

/** Milliseconds up to which a call is tried again by its activity; a longer wait is a rest of its turn. */
export const longestBackoffMs = 10_000;

/** The event that a model is called again after `ms` milliseconds; a rest says how it can be ended. */
export function retryingEvent({
  ms,
  ...data
}: {
  step: number;
  model: string;
  reason: string;
  ms: number;
}): EventToAppend {
  const hint = ms > longestBackoffMs ? { hint: restHint } : {};
  return { kind: 'retrying', data: { ...data, in_ms: Math.ceil(ms), ...hint } };
}
