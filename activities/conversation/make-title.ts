import { Context } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import { fillTemplate } from '../../contracts/names/fill-template.ts';
import type { TurnInput } from '../../contracts/names/workflows.ts';
import { cleanTitle } from '../../domain/prompting/clean-title.ts';
import { readPromptSource, type PromptSource } from '../../entities/conversations/prompt-source-repository.ts';
import { findTitleWork, nameConversation, type TitleWork } from '../../entities/conversations/title-repository.ts';
import { settleUnknownUsage, startUsage } from '../../entities/conversations/turn-usage-repository.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import { askAside, settleAside } from './ask-aside.ts';
import { callIdOf } from './call-id.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { valuesOf } from './prompt/values-of.ts';
import { toFailure } from './turn-failure.ts';

const mostTitleTokens = 60;
const mostAnswerCharacters = 2000;

/**
 * Whether the answer to this question is to be followed by a title: the agent has a template of the type `title`, it is the
 * first question, and nobody has given a title.
 */
export function wantsTitle({ templates, conversation, branch }: PromptSource): boolean {
  const isFirst = branch.messages.length === 0 && branch.summary === null && branch.above === null;
  return isFirst && conversation.titleBy === 'question' && templates.some(({ type }) => type === 'title');
}

type Begun = { work: TitleWork; model: ChatModel; prompt: string; callId: string };

/**
 * Has the turn's model make a title of the first question and its answer, in a paid call of its own that is booked before
 * it is made. A title that somebody gives meanwhile stays, and a model that fails leaves the title as it is.
 */
export function createMakeTitle(deps: ConversationDeps): (input: TurnInput) => Promise<void> {
  return async function makeTitle(input) {
    const { cancellationSignal: signal, info } = Context.current();
    try {
      const begun = await deps.database.inWorkspace(input.workspaceId, (em) => begin(deps, em, input, info.attempt));
      if (begun) await name(deps, input, begun, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw toFailure(error);
    }
  };
}

async function name(
  deps: ConversationDeps,
  { workspaceId, conversationId }: TurnInput,
  { work, model, prompt, callId }: Begun,
  signal: AbortSignal,
): Promise<void> {
  const { model_id: modelId, provider, capabilities } = work;
  const row = { workspaceId, modelId, provider, capabilities };
  const chat = {
    messages: [{ role: 'user' as const, content: prompt }],
    temperature: 0,
    maxTokens: mostTitleTokens,
    callId,
  };
  const answer = await askAside(deps, row, model, chat, signal);
  const title = cleanTitle(answer.text ?? '');
  await deps.database.inWorkspace(workspaceId, async (em) => {
    await settleAside(em, row, callId, answer);
    // Without one the conversation goes by its first question.
    if (title !== '') await nameConversation(em, conversationId, title);
  });
}

async function begin(
  deps: ConversationDeps,
  em: EntityManager,
  { workspaceId, turnId }: TurnInput,
  attempt: number,
): Promise<Begun | null> {
  // An attempt before this one may have died with its call open.
  await settleUnknownUsage(em, turnId, null);
  const source = await readPromptSource(em, turnId);
  const work = await findTitleWork(em, turnId);
  const template = source?.templates.find(({ type }) => type === 'title');
  if (!source || !work || !template || !wantsTitle(source)) return null;
  const answer = work.answer.slice(0, mostAnswerCharacters).toWellFormed();
  const filled = fillTemplate(template.template, template.variables, { ...valuesOf(source), answer });
  if (!('text' in filled)) return null;
  const callId = callIdOf(turnId, work.step, attempt);
  const { agent_id: agentId, model_id: modelId, pricing, step } = work;
  await startUsage(em, { callId, workspaceId, agentId, modelId, turnId, step, attempt, pricing });
  const model = deps.chatModel({
    provider: work.provider,
    modelId: work.provider_model_id,
    endpoint: work.endpoint,
    apiKey: work.api_key,
    capabilities: work.capabilities,
  });
  return { work, model, prompt: filled.text, callId };
}
