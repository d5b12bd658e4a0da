import type { EntityManager } from '@mikro-orm/postgresql';
import { describePlace } from '../../contracts/describe-place.ts';
import { assemblePrompt } from '../../domain/prompting/assemble-prompt.ts';
import type { NumberedPassage } from '../../domain/prompting/assemble-prompt.ts';
import { startStep, startUsage } from '../../entities/conversations/turn-attempt-repository.ts';
import type { ChatModel, ChatRequest } from '../../providers/chat-model.ts';
import type { Attempt } from './begin-attempt.ts';
import { callIdOf } from './call-id.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { passageText } from './passage-text.ts';
import type { Passage } from './retrieve-passages.ts';
import { fenced } from './turn-failure.ts';

/** Step number of the model call. */
export const modelStep = 1;

// English text has about four characters a token; three leaves room for other languages and for the answer's own start.
const charactersPerToken = 3;
const answerTokensKept = 1024;

/** A model call that is about to be made; `callId` names it in usage rows and in the provider's log. */
export type ModelCall = { model: ChatModel; request: ChatRequest; callId: string };

/** Resolves the agent's model and assembles what it is asked; writes nothing. */
export function planModelCall(deps: ConversationDeps, attempt: Attempt, passages: readonly Passage[]): ModelCall {
  const { context } = attempt;
  const model = deps.chatModel({
    provider: context.provider,
    modelId: context.provider_model_id,
    endpoint: context.endpoint,
    apiKey: context.api_key,
    capabilities: context.capabilities,
  });
  const numbered = passages.map(numberPassage);
  const budgetTokens = Math.max(model.contextWindow - (context.max_tokens ?? answerTokensKept), 512);
  const callId = callIdOf(attempt.turnId, modelStep, attempt.attempt);
  const request: ChatRequest = {
    messages: assemblePrompt({
      systemPrompt: context.system_prompt,
      passages: numbered,
      history: attempt.history,
      question: context.question,
      budgetCharacters: budgetTokens * charactersPerToken,
    }),
    passages: numbered,
    callId,
    ...(context.temperature === null ? {} : { temperature: context.temperature }),
    ...(context.max_tokens === null ? {} : { maxTokens: context.max_tokens }),
  };
  return { model, request, callId };
}

function numberPassage({ n, hit }: Passage): NumberedPassage {
  const { text, metadata } = passageText(hit);
  return { n, title: hit.title, text, place: describePlace(metadata), lead: metadata.table_header ?? '' };
}

/** Writes the step and the usage row of a call before it is made. @throws ApplicationFailure `fenced`. */
export async function recordModelCall(em: EntityManager, attempt: Attempt, call: ModelCall): Promise<void> {
  const { context, workspaceId, turnId } = attempt;
  const started = await startStep(em, {
    ...attempt,
    step: modelStep,
    kind: 'model',
    request: {
      model: context.model_name,
      temperature: context.temperature,
      max_tokens: context.max_tokens,
      call_id: call.callId,
      messages: call.request.messages,
    },
  });
  if (!started) throw fenced();
  await startUsage(em, {
    callId: call.callId,
    workspaceId,
    agentId: context.agent_id,
    modelId: context.model_id,
    turnId,
    step: modelStep,
    attempt: attempt.attempt,
    pricing: context.pricing,
  });
}
