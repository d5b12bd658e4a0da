import { tokensAroundMessage, type CountTokens } from './estimate-tokens.ts';
import { presentResult } from './present-result.ts';
import type { TakenStep, ToolOutcome } from './prompt-message.ts';

// Characters of a result that stay, in the rounds in which results are shortened.
const rounds = [8000, 2000, 500, 0];

/** A step whose results have been cut to `keep` characters where it is given. */
export type FittedStep = Omit<TakenStep, 'results'> & {
  readonly results: ReadonlyArray<{ readonly result: ToolOutcome; readonly keep?: number }>;
};

/**
 * Shortens what tools have given until the steps fit into `room` tokens, or nothing is left to shorten: round by round,
 * and in each round from the oldest result on, so that the newest stay whole the longest.
 */
export function fitSteps(
  steps: readonly TakenStep[],
  room: number,
  count: CountTokens,
): { steps: FittedStep[]; tokens: number; charactersLeftOut: number } {
  const results = steps.flatMap((step) =>
    step.results.map((result) => ({ result, keep: undefined as number | undefined })),
  );
  const cost = ({ result, keep }: (typeof results)[number]) => count(presentResult(result, keep)) + tokensAroundMessage;
  const costs = results.map(cost);
  let tokens = costs.reduce((sum, one) => sum + one, 0);
  for (const { text, toolCalls } of steps) {
    tokens += count(text) + tokensAroundMessage;
    for (const call of toolCalls) tokens += count(call.name) + count(call.arguments) + tokensAroundMessage;
  }
  for (const keep of rounds) {
    for (const [index, entry] of results.entries()) {
      if (tokens <= room) break;
      if (entry.result.content.length <= keep) continue;
      entry.keep = keep;
      const shorter = cost(entry);
      tokens -= costs[index]! - shorter;
      costs[index] = shorter;
    }
  }
  const left = results.map(({ result, keep }) => (keep === undefined ? 0 : result.content.length - keep));
  let next = 0;
  const fitted = steps.map((step) => ({
    ...step,
    results: step.results.map((): FittedStep['results'][number] => {
      const { result, keep } = results[next++]!;
      return keep === undefined ? { result } : { result, keep };
    }),
  }));
  return { steps: fitted, tokens, charactersLeftOut: left.reduce((sum, one) => sum + one, 0) };
}
