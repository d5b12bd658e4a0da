import { Context } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import { fillTemplate } from '../../contracts/names/fill-template.ts';
import type { TurnInput } from '../../contracts/names/workflows.ts';
import { cleanTitle } from '../../domain/prompting/clean-title.ts';
import { readPromptSource, type PromptSource } from '../../entities/conversations/prompt-source-repository.ts';
import { findTitleWork, nameConversation, type TitleWork } from '../../entities/conversations/title-repository.ts';
import { settleUnknownUsage, startUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { askAside, isFaultOfModel, settleAside } from './ask-aside.ts';
import { callIdOf } from './call-id.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { valuesOf } from './prompt/values-of.ts';
import { findSideModels, type SideModel } from './side-models.ts';
import { toFailure } from './turn-failure.ts';

const mostTitleTokens = 60;
const mostAnswerCharacters = 2000;

/**
 * Whether the answer to this question is to be followed by a title: the agent has a template of the type `title` and a model
 * that can make one, it is the first question, and nobody has given a title.
 */
export function wantsTitle({ templates, conversation, branch, hasLanguageModel }: PromptSource): boolean {
  const isFirst = branch.messages.length === 0 && branch.summary === null && branch.above === null;
  const canBeMade = hasLanguageModel && templates.some(({ type }) => type === 'title');
  return isFirst && conversation.titleBy === 'question' && canBeMade;
}

type Begun = { work: TitleWork; prompt: string; models: SideModel[] };

/**
 * Has the turn's model make a title of the first question and its answer, or the agent's next model where that one fails
 * or rests; each in a paid call of its own that is booked before it is made. A title that somebody gives meanwhile stays,
 * and so does the present one where every model fails.
 */
export function createMakeTitle(deps: ConversationDeps): (input: TurnInput) => Promise<void> {
  return async function makeTitle(input) {
    const { cancellationSignal: signal, info } = Context.current();
    try {
      const begun = await deps.database.inWorkspace(input.workspaceId, (em) => begin(deps, em, input));
      if (!begun) return;
      for (const place of begun.models.keys())
        if (await name(deps, input, { ...begun, place, attempt: info.attempt }, signal)) return;
    } catch (error) {
      signal.throwIfAborted();
      // Nobody else closes a call of a turn that has its answer, such as one for which a budget has too little left.
      await deps.database
        .inWorkspace(input.workspaceId, (em) => settleUnknownUsage(em, input.turnId, null))
        .catch(() => {});
      throw toFailure(error);
    }
  };
}

/** Asks one model; false when another may do better. */
async function name(
  deps: ConversationDeps,
  { workspaceId, conversationId, turnId }: TurnInput,
  { work, prompt, models, place, attempt }: Begun & { place: number; attempt: number },
  signal: AbortSignal,
): Promise<boolean> {
  const model = models[place]!;
  // No step of the turn: each call has the number of one that the turn has not used.
  const step = work.step + place;
  const callId = callIdOf(turnId, step, attempt);
  const { modelId, pricing } = model;
  await deps.database.inWorkspace(workspaceId, (em) =>
    startUsage(em, { callId, workspaceId, agentId: work.agent_id, modelId, turnId, step, attempt, pricing }),
  );
  const chat = {
    messages: [{ role: 'user' as const, content: prompt }],
    temperature: 0,
    maxTokens: mostTitleTokens,
    callId,
  };
  const answer = await askAside(deps, model, model.chat, chat, signal);
  const title = cleanTitle(answer.text ?? '');
  await deps.database.inWorkspace(workspaceId, async (em) => {
    await settleAside(em, model, callId, answer);
    // Without one the conversation goes by its first question.
    if (title !== '') await nameConversation(em, conversationId, title);
  });
  const { code } = answer;
  const isOver = code === null || !isFaultOfModel(code) || place === models.length - 1;
  if (code !== null) deps.metrics.modelFailed({ model: model.name, code, outcome: isOver ? 'gave_up' : 'fell_back' });
  return isOver;
}

async function begin(
  deps: ConversationDeps,
  em: EntityManager,
  { workspaceId, turnId }: TurnInput,
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
  const models = await findSideModels(deps, em, { workspaceId, turnId, current: work.model_id });
  return { work, prompt: filled.text, models };
}
