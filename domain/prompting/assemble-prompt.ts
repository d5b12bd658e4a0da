import { fitEarlierCalls, presentEarlier, type EarlierStep, type FittedEarlier } from './earlier-calls.ts';
import { tokensAroundMessage, type CountTokens } from './estimate-tokens.ts';
import { answeredMessages } from './exchanges-of.ts';
import { fitSteps, type FittedStep } from './fit-steps.ts';
import type { NumberedPassage } from './present-passage.ts';
import { presentResult } from './present-result.ts';
import type { BranchMessage, PromptMessage, TakenStep } from './prompt-message.ts';
import type { StoredMessage } from './stored-prompt.ts';
import { systemText, type SystemParts } from './system-text.ts';

/** Everything that a prompt is made of. */
export type PromptParts = Omit<SystemParts, 'passages'> & {
  readonly passages: readonly NumberedPassage[];
  /** The branch before the question and after what the summary covers, oldest first. */
  readonly history: readonly BranchMessage[];
  /** What tools gave for the answers in it, oldest first; repeated only where tools are offered. */
  readonly earlier: readonly EarlierStep[];
  /** `text` differs from the stored message where a template puts it into words of its own. */
  readonly question: { readonly id: string; readonly text: string; readonly isStored: boolean };
  readonly steps: readonly TakenStep[];
  /** Said after the last result, or null. */
  readonly closing: string | null;
  /** Tokens that the messages may have in all. */
  readonly budget: number;
  readonly count: CountTokens;
};

/** Parts that had no room; a number of characters, passages, messages or earlier calls. */
export type LeftOut = {
  history: number;
  earlier: number;
  results: number;
  passages: number;
  memory: boolean;
  summary: boolean;
};

/** A prompt, how it is stored, and what it lacks. `firstKept` is the oldest message of the branch that is in it. */
export type AssembledPrompt = {
  messages: PromptMessage[];
  stored: StoredMessage[];
  tokens: number;
  leftOut: LeftOut;
  firstKept: string | null;
};

// Tokens that chat protocols put around the whole.
const tokensAroundPrompt = 3;
// So much of the room stays for history where tools have given more than fits.
const shareOfHistory = 0.25;
// Of the whole prompt, so that what was called before does not multiply what each further question costs.
const shareOfEarlier = 0.125;

/**
 * Puts everything in its place: one system message, the branch, the question, the steps of the turn. What does not fit
 * is left out in this order: calls of earlier turns from the oldest, history from its oldest end, results of tools from
 * the oldest, passages from the last, the summary, the memory. Instructions and question always stay; when these alone do not fit, `tooLong` says by what.
 */
export function assemblePrompt(parts: PromptParts): AssembledPrompt | { tooLong: { tokens: number; budget: number } } {
  const { count, budget, question } = parts;
  const around = (text: string) => count(text) + tokensAroundMessage;
  const system = { ...parts, passages: [...parts.passages] };
  const systemTokens = () => {
    const text = systemText(system);
    return text === '' ? 0 : around(text);
  };
  const history = answeredMessages(parts.history).map((message) => ({ message, tokens: around(message.content) }));
  const historyTokens = history.reduce((sum, { tokens }) => sum + tokens, 0);

  const closingTokens = parts.closing === null ? 0 : around(parts.closing);
  const asked = around(question.text) + closingTokens + tokensAroundPrompt;
  const leanest = systemText({ ...system, memory: '', summary: '', passages: [] });
  const fixed = asked + (leanest === '' ? 0 : around(leanest));
  const tooLong = (tokens: number) => ({ tooLong: { tokens, budget } });
  if (fixed > budget) return tooLong(fixed);

  const forHistory = Math.min(historyTokens, Math.floor((budget - fixed) * shareOfHistory));
  const leftOut: LeftOut = { history: 0, earlier: 0, results: 0, passages: 0, memory: false, summary: false };
  let steps = fitSteps(parts.steps, Math.max(budget - asked - systemTokens() - forHistory, 0), count);
  // Each part that goes makes room for what the tools gave.
  while (steps.tokens > budget - asked - systemTokens()) {
    if (system.passages.length > 0) {
      system.passages.pop();
      leftOut.passages += 1;
    } else if (system.summary !== '') {
      system.summary = '';
      leftOut.summary = true;
    } else if (system.memory !== '') {
      system.memory = '';
      leftOut.memory = true;
    } else return tooLong(fixed + steps.tokens);
    steps = fitSteps(parts.steps, Math.max(budget - asked - systemTokens(), 0), count);
  }
  leftOut.results = steps.charactersLeftOut;

  let room = budget - asked - systemTokens() - steps.tokens;
  let first = history.length;
  while (first > 0 && room >= history[first - 1]!.tokens) room -= history[(first -= 1)]!.tokens;
  // A branch that begins with an answer lacks what was asked.
  if (history[first]?.message.role === 'assistant') room += history[first++]!.tokens;
  leftOut.history = first;
  const kept = history.slice(first).map(({ message }) => message);
  // Some providers refuse calls of tools in a prompt that offers none.
  const mostForEarlier = Math.min(room, Math.floor(budget * shareOfEarlier));
  const earlier = fitEarlierCalls(parts.offersTools ? parts.earlier : [], kept, mostForEarlier, count);
  leftOut.earlier = earlier.leftOut;
  room -= earlier.tokens;
  const prompt = compose(parts, systemText(system), { kept, earlier: earlier.byAnswer }, steps.steps);
  return { ...prompt, tokens: budget - room, leftOut, firstKept: kept[0]?.id ?? null };
}

function compose(
  parts: PromptParts,
  system: string,
  history: { kept: readonly BranchMessage[]; earlier: ReadonlyMap<string, FittedEarlier> },
  steps: readonly FittedStep[],
): { messages: PromptMessage[]; stored: StoredMessage[] } {
  const messages: PromptMessage[] = [];
  const stored: StoredMessage[] = [];
  const add = (message: PromptMessage, as: StoredMessage) => {
    messages.push(message);
    stored.push(as);
  };
  const say = (role: 'system' | 'user', content: string) => add({ role, content }, { role, content });
  if (system !== '') say('system', system);
  for (const [message, as] of composeHistory(history)) {
    messages.push(...message);
    stored.push(...as);
  }
  const { id, text, isStored } = parts.question;
  add({ role: 'user', content: text }, isStored ? { message_id: id } : { role: 'user', content: text });
  for (const { step, text: content, toolCalls, results } of steps) {
    add({ role: 'assistant', content, ...(toolCalls.length > 0 && { toolCalls }) }, { step });
    for (const { result, keep } of results)
      add(
        { role: 'tool', toolCallId: result.toolCallId, content: presentResult(result, keep) },
        keep === undefined ? { call: result.callId } : { call: result.callId, keep },
      );
  }
  if (parts.closing !== null) say('user', parts.closing);
  return { messages, stored };
}

/** The branch in its order, in pieces; an exchange with calls stands by itself, any others are stored as runs. */
function* composeHistory({
  kept,
  earlier,
}: {
  kept: readonly BranchMessage[];
  earlier: ReadonlyMap<string, FittedEarlier>;
}): Generator<[PromptMessage[], StoredMessage[]]> {
  const said = ({ role, content }: BranchMessage): PromptMessage => ({ role, content });
  let run: BranchMessage[] = [];
  const endRun = (): [PromptMessage[], StoredMessage[]] => {
    const [oldest, newest] = [run[0], run.at(-1)];
    const piece: [PromptMessage[], StoredMessage[]] = [
      run.map(said),
      oldest && newest ? [{ from: oldest.id, to: newest.id }] : [],
    ];
    run = [];
    return piece;
  };
  for (const message of kept) {
    const calls = earlier.get(message.id);
    const question = calls && run.pop();
    if (!calls || !question) {
      run.push(message);
      continue;
    }
    yield endRun();
    yield [[said(question)], [{ message_id: question.id }]];
    for (const { turnId, step, toolCalls, results } of calls.steps) {
      yield [[{ role: 'assistant', content: '', toolCalls }], [{ turn: turnId, step }]];
      for (const result of results)
        yield [
          [{ role: 'tool', toolCallId: result.toolCallId, content: presentEarlier(result, calls.keep) }],
          [{ earlier_call: result.callId, keep: calls.keep }],
        ];
    }
    yield [[said(message)], [{ message_id: message.id }]];
  }
  yield endRun();
}
