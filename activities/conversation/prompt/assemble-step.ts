import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../../contracts/errors.ts';
import { describeMissing } from '../../../contracts/names/template-values.ts';
import type { TurnLimit } from '../../../contracts/names/turn-limits.ts';
import { assemblePrompt, type AssembledPrompt, type PromptParts } from '../../../domain/prompting/assemble-prompt.ts';
import { estimateTokens, tokensAroundMessage } from '../../../domain/prompting/estimate-tokens.ts';
import { fillInstructions } from '../../../domain/prompting/fill-instructions.ts';
import type { NumberedPassage } from '../../../domain/prompting/present-passage.ts';
import type { PromptMessage, TakenStep } from '../../../domain/prompting/prompt-message.ts';
import { storePrompt, type StoredPrompt } from '../../../domain/prompting/stored-prompt.ts';
import type { PromptSource } from '../../../entities/conversations/prompt-source-repository.ts';
import { readTokenRatio } from '../../../entities/usage/token-ratio-repository.ts';
import { tokenCounter } from '../../../providers/tokens/token-counter.ts';
import type { ToolDefinition } from '../../../providers/tool.ts';
import { promptRoom, type PromptModel } from './prompt-model.ts';
import { readBranch } from './read-branch.ts';
import { valuesOf } from './values-of.ts';

/** What the next call of the model in a turn is made of. */
export type StepToAssemble = {
  conversationId: string;
  /** Of the row in `models`. */
  modelId: string;
  source: PromptSource;
  model: PromptModel;
  /** As they are offered now. */
  tools: readonly ToolDefinition[];
  /** Those that were retrieved before the first call. */
  passages: readonly NumberedPassage[];
  /** The turn's completed calls of the model with what their tools gave. */
  steps: readonly TakenStep[];
  /** The prompts of those calls, by step. */
  former: ReadonlyMap<number, StoredPrompt>;
  /** The limit because of which this call is the last. */
  limit: TurnLimit | null;
  /** The share of the model's room that is used; less than 1 after the provider found a prompt too long. */
  squeeze?: number;
};

/** Something that the prompt lacks, for whoever looks at the step. */
export type PromptNote = { code: string; detail: string };

/** A prompt, and what `turn_steps.request` keeps of it: as few bytes as allow to see it again exactly. */
export type AssembledStep = {
  messages: PromptMessage[];
  stored: StoredPrompt & { prompt_hash: string; prompt_tokens_estimate: number; notes: PromptNote[] };
};

const closings: Record<TurnLimit, string> = {
  steps: 'You have used all the steps that you have for this question.',
  tokens: 'You have used all the tokens that you have for this question.',
  seconds: 'You have used all the time that you have for this question.',
  cost: 'You have used all the money that you may spend on this question.',
};

/**
 * Assembles what the model is asked in the next step of a turn, and reads what is missing of its branch.
 * @throws PerdureError `prompt_too_long` when instructions and question alone do not fit, `prompt_variable_missing`.
 */
export async function assembleStep(em: EntityManager, step: StepToAssemble): Promise<AssembledStep> {
  const { source, model, tools, limit, squeeze = 1 } = step;
  const filled = fillOf(source, tools.length > 0);
  const room = promptRoom(model, source.agent.max_tokens, squeeze);
  const offered = tools.length === 0 ? '' : JSON.stringify(tools.map(toOffered));
  let { branch } = source;
  const parts = (): Omit<PromptParts, 'budget' | 'count'> => ({
    instructions: filled.instructions,
    memory: source.memory,
    summary: branch.summary?.content ?? '',
    effects: source.effects,
    offersTools: tools.length > 0,
    offersSearch: tools.some(({ type }) => type === 'rag_tool' || type === 'retrieval_tool'),
    passages: step.passages,
    history: branch.messages,
    earlier: source.earlier,
    question: {
      id: source.question.id,
      text: filled.question,
      isStored: filled.question === source.question.content,
    },
    steps: step.steps,
    closing: limit === null || step.steps.length === 0 ? null : `${closings[limit]} Answer now with what you have.`,
  });

  branch = await readBranch(em, branch, room);
  let prompt = assemblePrompt({ ...parts(), budget: room - estimateTokens(offered), count: estimateTokens });
  if ('tooLong' in prompt || lacksSomething(prompt) || prompt.tokens > room * shareOfEstimate) {
    // Where it is close, and before anything is left out, tokens are counted.
    const ratio = await readTokenRatio(em, step);
    const count = await tokenCounter(model, ratio);
    branch = await readBranch(em, branch, room * mostEstimate);
    prompt = assemblePrompt({ ...parts(), budget: room - count(offered), count });
  }
  if ('tooLong' in prompt) throw tooLong(prompt.tooLong, model);
  const { messages, stored } = prompt;
  const hash = createHash('sha256').update(JSON.stringify(messages)).digest('hex');
  return {
    messages,
    stored: {
      ...storePrompt(stored, step.former),
      prompt_hash: hash,
      prompt_tokens_estimate: estimateOf(messages) + estimateTokens(offered),
      notes: notesOf(prompt, branch.above !== null),
    },
  };
}

// By how much an estimate may be higher than the count, and up to which share of the room it is trusted.
const mostEstimate = 2.5;
const shareOfEstimate = 0.8;

function fillOf(source: PromptSource, offersTools: boolean) {
  const { agent, templates, topic } = source;
  const filled = fillInstructions({
    systemPrompt: agent.system_prompt,
    topicInstructions: agent.topics.find(({ name }) => name === topic)?.instructions ?? '',
    templates,
    offersTools,
    question: source.question.content,
    values: valuesOf(source),
  });
  if (filled.missing.length > 0) throw new PerdureError('prompt_variable_missing', describeMissing(filled.missing));
  return filled;
}

/** The same measure for every prompt, so that what providers count can be compared with it. */
function estimateOf(messages: readonly PromptMessage[]): number {
  return messages.reduce((sum, message) => {
    const calls = message.role === 'assistant' && message.toolCalls ? JSON.stringify(message.toolCalls) : '';
    return sum + estimateTokens(message.content) + estimateTokens(calls) + tokensAroundMessage;
  }, 0);
}

function toOffered({ name, description, parameters }: ToolDefinition) {
  return { name, description, parameters };
}

function lacksSomething({ leftOut }: AssembledPrompt): boolean {
  const { history, results, passages, memory, summary } = leftOut;
  return history + results + passages > 0 || memory || summary;
}

function notesOf({ leftOut }: AssembledPrompt, isBranchCut: boolean): PromptNote[] {
  const { history, earlier, results, passages, memory, summary } = leftOut;
  const notes: PromptNote[] = [];
  const note = (code: string, detail: string) => notes.push({ code, detail });
  if (history > 0 || isBranchCut)
    note('history_cut', `The ${isBranchCut ? 'older' : `${history} oldest`} messages are not in it.`);
  if (earlier > 0) note('earlier_calls_cut', `The ${earlier} oldest calls of tools in earlier turns are not in it.`);
  if (results > 0) note('results_cut', `${results} characters of what tools gave are not in it.`);
  if (passages > 0) note('passages_cut', `The last ${passages} passages that were found are not in it.`);
  if (summary) note('summary_cut', 'The summary of older messages is not in it.');
  if (memory) note('memory_cut', 'What is remembered of the user is not in it.');
  return notes;
}

function tooLong({ tokens, budget }: { tokens: number; budget: number }, model: PromptModel): PerdureError {
  return new PerdureError(
    'prompt_too_long',
    `Instructions and question have about ${tokens} tokens, and ${budget} fit beside an answer of the model "${model.id}". ` +
      'Shorten the question or the system prompt, lower max_tokens of the agent, or take a model with a larger window.',
  );
}
