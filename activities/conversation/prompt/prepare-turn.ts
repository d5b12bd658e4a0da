import type { EntityManager } from '@mikro-orm/postgresql';
import { estimateTokens, type CountTokens } from '../../../domain/prompting/estimate-tokens.ts';
import { messagesToSummarize } from '../../../domain/prompting/summarize-branch.ts';
import { readPromptSource, type PromptSource } from '../../../entities/conversations/prompt-source-repository.ts';
import { readTokenRatio } from '../../../entities/usage/token-ratio-repository.ts';
import type { ChatModel } from '../../../providers/chat-model.ts';
import { tokenCounter } from '../../../providers/tokens/token-counter.ts';
import type { Attempt } from '../begin-attempt.ts';
import type { ConversationDeps } from '../conversation-deps.ts';
import { chooseTurnTopic } from './choose-turn-topic.ts';
import { isLeftToNext } from './pay-for-step.ts';
import { promptRoom } from './prompt-model.ts';
import { readBranch } from './read-branch.ts';
import { summarizeHistory } from './summarize-history.ts';

// What passages, tools and the next exchanges need beside the history.
const shareOfHistory = 0.75;

/** Reads what a turn's prompts are made of, and as much of its branch as could fit; null when the turn is gone. */
export async function readSource(em: EntityManager, turnId: string, model: ChatModel): Promise<PromptSource | null> {
  const source = await readPromptSource(em, turnId);
  if (!source) return null;
  return { ...source, branch: await readBranch(em, source.branch, promptRoom(model, source.agent.max_tokens, 1)) };
}

/**
 * Whether a turn needs steps of its own before its first call of the model: a topic is to be chosen, or its branch no longer
 * fits and a model can sum it up. By estimate, which is on the safe side.
 */
export function needsPreparation({ done }: Attempt, source: PromptSource, model: ChatModel): boolean {
  if (done.some(({ kind }) => kind === 'model')) return false;
  return needsTopic(done, source) || (canSummarize(done, model) && overflows(source, model, estimateTokens));
}

/**
 * Chooses the turn's topic and sums up what no longer fits of its branch, each in steps of its own. Returns the attempt at
 * the step behind them; what they gave is in the rows. @throws ApplicationFailure `fenced`, the abort reason of `signal`.
 */
export async function prepareTurn(
  deps: ConversationDeps,
  attempt: Attempt,
  { source, model }: { source: PromptSource; model: ChatModel },
  signal: AbortSignal,
): Promise<Attempt> {
  let current = attempt;
  if (needsTopic(current.done, source)) current = await chooseTurnTopic(deps, current, { source, model }, signal);
  if (!canSummarize(current.done, model) || !overflows(source, model, estimateTokens)) return current;
  const { context, conversationId, workspaceId } = attempt;
  const found = await deps.database.inWorkspace(workspaceId, async (em) => {
    const ratio = await readTokenRatio(em, { conversationId, modelId: context.model_id });
    const count = await tokenCounter({ id: model.id, capabilities: context.capabilities }, ratio);
    if (!overflows(source, model, count)) return null;
    return { count, branch: await readBranch(em, source.branch, Number.POSITIVE_INFINITY) };
  });
  if (found === null) return current;
  const { count, branch } = found;
  const messages = messagesToSummarize(branch.messages, roomForHistory(source, model, count), count);
  if (messages.length < 2) return current;
  const room = promptRoom(model, null, 1);
  return summarizeHistory(deps, current, { source: { ...source, branch }, model, messages, room, count }, signal);
}

function needsTopic(done: Attempt['done'], { agent, topic }: PromptSource): boolean {
  return (
    agent.topics.length > 0 &&
    topic === null &&
    !done.some((step) => step.kind === 'route' && !isLeftToNext(step.response))
  );
}

/** A model that has failed to sum up is not asked again in the same turn. */
function canSummarize(done: Attempt['done'], model: ChatModel): boolean {
  const failed = done.some(
    ({ kind, response }) => kind === 'summarize' && response['error'] !== undefined && !isLeftToNext(response),
  );
  return model.provider !== 'extractive' && !failed;
}

function overflows(source: PromptSource, model: ChatModel, count: CountTokens): boolean {
  const { messages, above } = source.branch;
  if (messages.length === 0) return false;
  const room = roomForHistory(source, model, count);
  return above !== null || messages.reduce((sum, { content }) => sum + count(content), 0) > room;
}

function roomForHistory(
  { agent, templates, memory, question, branch }: PromptSource,
  model: ChatModel,
  count: CountTokens,
) {
  const others = [agent.system_prompt, ...templates.map(({ template }) => template), memory, question.content];
  const taken = [...others, branch.summary?.content ?? ''].reduce((sum, text) => sum + count(text), 0);
  return Math.max(promptRoom(model, agent.max_tokens, 1) - taken, 0) * shareOfHistory;
}
