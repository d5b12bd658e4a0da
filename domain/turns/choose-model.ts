import type { ModelCandidate, ModelFault } from '../../contracts/names/model-faults.ts';

/** Which model a turn calls next; which one it waits for, and how long; or that none of them can answer it. */
export type ModelChoice = { call: ModelCandidate } | { rest: ModelCandidate; ms: number } | { over: true };

/** Failed calls of a step at one model before the next model gets its chance. */
export const failuresBeforeFallback = 2;
/** A provider's pause up to this many milliseconds is waited for, a longer one is time for another model. */
export const patienceForPauseMs = 10_000;
// Beside the first one, with an ever shorter prompt.
const mostCallsOfTooLong = 3;

const finalCodes = new Set(['provider_invalid_request', 'provider_content_filter']);

/**
 * Chooses among `candidates`, which stand in the agent's order, the one that a turn calls in `step` after its `faults`. The
 * model that answered last (`current`) goes on until it has failed twice in the step; then the next gets as many calls, and
 * after the last the first again. A model that cannot answer this turn, is left alone by all workers, or is to pause for
 * long, is passed over; a prompt that was too long for one goes only to larger ones, or shortened to the same.
 */
export function chooseModel(
  candidates: readonly ModelCandidate[],
  { current, step, faults }: { current: string; step: number; faults: readonly ModelFault[] },
): ModelChoice {
  const inStep = faults.filter((fault) => fault.step === step);
  const last = inStep.at(-1);
  if (last && !last.retryable && finalCodes.has(last.code)) return { over: true };
  const tooLongFor = tooLongWindow(candidates, inStep);
  const able = candidates.filter(
    ({ id, isUsable, contextWindow }) =>
      isUsable && contextWindow > tooLongFor && !faults.some((fault) => fault.model_id === id && rulesOut(fault)),
  );
  if (able.length === 0) return shorten(candidates, current, inStep);
  const free = able.filter((candidate) => restOf(candidate) === 0);
  const failures = ({ id }: ModelCandidate) => inStep.filter((fault) => fault.model_id === id).length;
  const rounds = (candidate: ModelCandidate) => Math.floor(failures(candidate) / failuresBeforeFallback);
  // Who has just had all the calls of a round makes room, who is within one goes on.
  const goesOn = (candidate: ModelCandidate) =>
    candidate.id === current && (failures(candidate) === 0 || failures(candidate) % failuresBeforeFallback > 0);
  const [call] = free.toSorted((a, b) => rounds(a) - rounds(b) || Number(goesOn(b)) - Number(goesOn(a)));
  if (call) return { call };
  const rest = able.reduce((soonest, candidate) => (restOf(candidate) < restOf(soonest) ? candidate : soonest));
  return { rest, ms: restOf(rest) };
}

/** How many calls of a step found the prompt too long for this very model. */
export function countTooLong(faults: readonly ModelFault[], step: number, modelId: string): number {
  return faults.filter((fault) => fault.step === step && fault.model_id === modelId && isTooLong(fault)).length;
}

function restOf({ circuitMs, pauseMs }: ModelCandidate): number {
  return Math.max(circuitMs, pauseMs > patienceForPauseMs ? pauseMs : 0);
}

function rulesOut(fault: ModelFault): boolean {
  return !fault.retryable && !isTooLong(fault);
}

function isTooLong({ code }: ModelFault): boolean {
  return code === 'provider_context_length';
}

/** The largest window for which the prompt of the step was too long. */
function tooLongWindow(candidates: readonly ModelCandidate[], inStep: readonly ModelFault[]): number {
  const windows = inStep
    .filter(isTooLong)
    .map(({ model_id: id }) => candidates.find((candidate) => candidate.id === id)?.contextWindow ?? 0);
  return Math.max(0, ...windows);
}

function shorten(candidates: readonly ModelCandidate[], current: string, inStep: readonly ModelFault[]): ModelChoice {
  const last = inStep.at(-1);
  const same = candidates.find(({ id, isUsable }) => id === current && isUsable);
  const isWorthwhile = last !== undefined && isTooLong(last) && inStep.filter(isTooLong).length < mostCallsOfTooLong;
  return same && isWorthwhile ? { call: same } : { over: true };
}
