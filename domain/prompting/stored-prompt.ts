import { presentEarlier, type EarlierResult } from './earlier-calls.ts';
import { answeredMessages } from './exchanges-of.ts';
import { presentResult } from './present-result.ts';
import type { BranchMessage, PromptMessage, PromptToolCall, ToolOutcome } from './prompt-message.ts';

/**
 * A message of a stored prompt. What has a row of its own is referred to: one message, a run of the branch's messages
 * (questions without an answer are not in it), a former step of the turn, a result in the ledger cut to `keep` characters,
 * the calls of a step of an earlier turn, and what one of these gave.
 */
export type StoredMessage =
  | { role: 'system' | 'user'; content: string }
  | { message_id: string }
  | { from: string; to: string }
  | { step: number }
  | { call: string; keep?: number }
  | { turn: string; step: number }
  | { earlier_call: string; keep: number };

/** A prompt as `turn_steps.request` keeps it: whole, or as what was appended to the prompt of a former step. */
export type StoredPrompt =
  | { format: 1; messages: StoredMessage[] }
  | { format: 1; extends: number; appended: StoredMessage[] };

/** The rows that stored prompts refer to. */
export type PromptRows = {
  readonly messages: ReadonlyMap<string, BranchMessage & { readonly parentId: string | null }>;
  readonly steps: ReadonlyMap<number, { readonly text: string; readonly toolCalls: readonly PromptToolCall[] }>;
  readonly calls: ReadonlyMap<string, Omit<ToolOutcome, 'callId'>>;
  /** Calls of steps of earlier turns, by `earlierStepKey`, and what calls gave, by their ids. */
  readonly earlierSteps: ReadonlyMap<string, readonly PromptToolCall[]>;
  readonly earlierCalls: ReadonlyMap<string, Omit<EarlierResult, 'callId'>>;
};

/** By which a step of an earlier turn is found among the rows. */
export const earlierStepKey = (turnId: string, step: number): string => `${turnId}/${step}`;

/** Stores a prompt as short as the turn's former prompts allow: the one with the longest common beginning is extended. */
export function storePrompt(
  messages: readonly StoredMessage[],
  former: ReadonlyMap<number, StoredPrompt>,
): StoredPrompt {
  let best: { step: number; length: number } | null = null;
  for (const step of former.keys()) {
    const earlier = storedMessages(step, former);
    const extended = earlier.length < messages.length && earlier.every((one, index) => isSame(one, messages[index]!));
    if (extended && earlier.length > (best?.length ?? 0)) best = { step, length: earlier.length };
  }
  if (best === null) return { format: 1, messages: [...messages] };
  return { format: 1, extends: best.step, appended: messages.slice(best.length) };
}

/** The messages of a step's stored prompt, references not yet followed. @throws Error when a step it extends is missing. */
export function storedMessages(step: number, prompts: ReadonlyMap<number, StoredPrompt>): StoredMessage[] {
  const parts: StoredMessage[][] = [];
  for (let at: number | null = step; at !== null;) {
    const prompt = prompts.get(at);
    if (!prompt) throw new Error(`The prompt of step ${step} extends that of step ${at}, which is not stored`);
    if ('messages' in prompt) {
      parts.unshift(prompt.messages);
      at = null;
    } else {
      parts.unshift(prompt.appended);
      // A prompt extends an earlier one; anything else would never end.
      at = prompt.extends < at ? prompt.extends : Number.NaN;
    }
  }
  return parts.flat();
}

/**
 * The prompt of a step exactly as the model was sent it. A message whose row is gone stands as `[deleted]`.
 * @throws Error when a step that it builds on is missing.
 */
export function expandPrompt(
  step: number,
  prompts: ReadonlyMap<number, StoredPrompt>,
  rows: PromptRows,
): PromptMessage[] {
  return storedMessages(step, prompts).flatMap((message) => expand(message, rows));
}

const deleted = '[deleted]';

function expand(message: StoredMessage, rows: PromptRows): PromptMessage[] {
  if ('role' in message) return [message];
  if ('message_id' in message) {
    const row = rows.messages.get(message.message_id);
    return [row ? { role: row.role, content: row.content } : { role: 'user', content: deleted }];
  }
  if ('from' in message) return expandRun(message, rows);
  if ('turn' in message) {
    const toolCalls = rows.earlierSteps.get(earlierStepKey(message.turn, message.step));
    return [{ role: 'assistant', content: toolCalls ? '' : deleted, ...(toolCalls && { toolCalls }) }];
  }
  if ('earlier_call' in message) {
    const earlier = rows.earlierCalls.get(message.earlier_call);
    if (!earlier) return [{ role: 'tool', toolCallId: '', content: deleted }];
    return [{ role: 'tool', toolCallId: earlier.toolCallId, content: presentEarlier(earlier, message.keep) }];
  }
  if ('step' in message) {
    const { text, toolCalls } = rows.steps.get(message.step) ?? { text: deleted, toolCalls: [] };
    return [{ role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) }];
  }
  const result = rows.calls.get(message.call);
  if (!result) return [{ role: 'tool', toolCallId: '', content: deleted }];
  return [{ role: 'tool', toolCallId: result.toolCallId, content: presentResult(result, message.keep) }];
}

function expandRun({ from, to }: { from: string; to: string }, { messages }: PromptRows): PromptMessage[] {
  const run: BranchMessage[] = [];
  for (let id: string | null = to; id !== null;) {
    const row = messages.get(id);
    if (!row) {
      run.unshift({ id, role: 'assistant', content: deleted });
      break;
    }
    run.unshift(row);
    id = id === from ? null : row.parentId;
  }
  return answeredMessages(run).map(({ role, content }) => ({ role, content }));
}

// The database orders the keys of an object in its own way.
function isSame(one: StoredMessage, other: StoredMessage): boolean {
  const fields = Object.entries(one);
  const others = new Map<string, unknown>(Object.entries(other));
  return fields.length === others.size && fields.every(([key, value]) => others.get(key) === value);
}
