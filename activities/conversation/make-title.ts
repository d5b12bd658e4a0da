import { Context } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import { fillTemplate } from '../../contracts/names/fill-template.ts';
import type { TurnInput } from '../../contracts/names/workflows.ts';
import { estimateTokens } from '../../domain/prompting/estimate-tokens.ts';
import { cleanTitle } from '../../domain/prompting/clean-title.ts';
import { readPromptSource, type PromptSource } from '../../entities/conversations/prompt-source-repository.ts';
import { findTitleWork, nameConversation, type TitleWork } from '../../entities/conversations/title-repository.ts';
import { settleUnknownUsage, settleUsage, startUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { completeChat } from '../../providers/chat/complete-chat.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import { callIdOf } from './call-id.ts';
import { unknownUsage } from './commit-answer.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { valuesOf } from './prompt/values-of.ts';

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
    const begun = await deps.database.inWorkspace(input.workspaceId, (em) => begin(deps, em, input, info.attempt));
    if (!begun) return;
    const { work, model, prompt, callId } = begun;
    let title = '';
    let usage = unknownUsage;
    try {
      const answer = await paceCall(
        deps.database,
        { ...input, modelId: work.model_id, provider: work.provider, capabilities: work.capabilities },
        { tokens: estimateTokens(prompt), signal },
        {
          call: () =>
            completeChat(
              model,
              { messages: [{ role: 'user', content: prompt }], temperature: 0, maxTokens: mostTitleTokens, callId },
              signal,
            ),
          tokensOf: (given) => given.usage.totalTokens,
        },
      );
      title = cleanTitle(answer.value);
      ({ usage } = answer);
    } catch {
      // A conversation goes by its first question then; the usage row says that the call is unknown.
      signal.throwIfAborted();
    }
    await deps.database.inWorkspace(input.workspaceId, async (em) => {
      await settleUsage(em, callId, usage);
      if (title !== '') await nameConversation(em, input.conversationId, title);
    });
  };
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
