import { tokensAroundMessage, type CountTokens } from './estimate-tokens.ts';
import { beginningOf, presentResult } from './present-result.ts';
import type { BranchMessage, PromptToolCall } from './prompt-message.ts';

/**
 * What one call of an earlier turn gave: the beginning of its text, and how many passages it found. Those are numbered for
 * the answer of that turn, and so are not repeated.
 */
export type EarlierResult = {
  readonly callId: string;
  readonly toolCallId: string;
  readonly name: string;
  readonly content: string;
  readonly passages: number;
  readonly isError: boolean;
};

/** A step of an earlier turn, completed by the answer `answerId`: the tools that the model asked for, and what they gave. */
export type EarlierStep = {
  readonly answerId: string;
  readonly turnId: string;
  readonly step: number;
  readonly toolCalls: readonly PromptToolCall[];
  readonly results: readonly EarlierResult[];
};

/** The steps of an earlier turn that a prompt repeats, each result cut to `keep` characters. */
export type FittedEarlier = { readonly keep: number; readonly steps: readonly EarlierStep[] };

// Characters of each result: of the first that fits for the whole turn. The rows are read with a little more.
const lengths = [2000, 500];

/** What a tool gave in an earlier turn, as the model sees it: cut to `keep` characters, in the frame of results. */
export function presentEarlier(
  { name, content, passages, isError }: Omit<EarlierResult, 'callId'>,
  keep: number,
): string {
  const parts = [
    beginningOf(content, keep),
    content.length > keep ? '[the rest is left out here to save room; call the tool again if it is needed]' : '',
    passages === 0 ? '' : `[${passages} passages were found; search again to read and cite them]`,
  ];
  return presentResult({ name, content: parts.filter((part) => part !== '').join('\n'), isError });
}

/**
 * Chooses what a prompt repeats of the calls of earlier turns whose answers are in it: as much as fits into `room` tokens,
 * the newest turn first, each with results cut to 2,000 characters or else to 500. The turn for which there is no room, and
 * all before it, are left out; `leftOut` counts their calls. A step of which a result is missing is left out too.
 */
export function fitEarlierCalls(
  earlier: readonly EarlierStep[],
  history: readonly Pick<BranchMessage, 'id'>[],
  room: number,
  count: CountTokens,
): { byAnswer: Map<string, FittedEarlier>; tokens: number; leftOut: number } {
  const whole = earlier.filter(({ toolCalls, results }) =>
    toolCalls.every(({ id }) => results.some(({ toolCallId }) => toolCallId === id)),
  );
  const steps = Map.groupBy(whole, ({ answerId }) => answerId);
  const byAnswer = new Map<string, FittedEarlier>();
  let [tokens, leftOut, isFull] = [0, 0, false];
  for (const { id } of history.toReversed()) {
    const own = steps.get(id);
    if (!own) continue;
    const fitting = isFull ? undefined : lengths.find((keep) => tokens + sizeOf(own, keep, count) <= room);
    if (fitting === undefined) {
      isFull = true;
      leftOut += own.reduce((sum, { toolCalls }) => sum + toolCalls.length, 0);
      continue;
    }
    tokens += sizeOf(own, fitting, count);
    byAnswer.set(id, { keep: fitting, steps: own });
  }
  return { byAnswer, tokens, leftOut };
}

function sizeOf(steps: readonly EarlierStep[], keep: number, count: CountTokens): number {
  let tokens = 0;
  for (const { toolCalls, results } of steps) {
    tokens += tokensAroundMessage;
    for (const { name, arguments: given } of toolCalls) tokens += count(name) + count(given) + tokensAroundMessage;
    for (const result of results) tokens += count(presentEarlier(result, keep)) + tokensAroundMessage;
  }
  return tokens;
}
