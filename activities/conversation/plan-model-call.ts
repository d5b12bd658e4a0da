import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import type { TurnLimit, TurnLimits } from '../../contracts/names/turn-limits.ts';
import type { StoredPrompt } from '../../domain/prompting/stored-prompt.ts';
import { sumUse } from '../../domain/turns/sum-use.ts';
import { countTooLong } from '../../domain/turns/choose-model.ts';
import { reachedLimit } from '../../domain/turns/turn-limits.ts';
import type { PromptSource } from '../../entities/conversations/prompt-source-repository.ts';
import { readCallResults } from '../../entities/conversations/tool-call-repository.ts';
import { beginCall } from '../../entities/conversations/turn-call-repository.ts';
import type { EventToAppend } from '../../entities/conversations/turn-outcome-repository.ts';
import { noteLimit } from '../../entities/conversations/turn-attempt-repository.ts';
import { readTurnCalls } from '../../entities/usage/turn-use-repository.ts';
import type { ChatModel, ChatRequest } from '../../providers/chat-model.ts';
import type { Tool } from '../../providers/tool.ts';
import type { Attempt } from './begin-attempt.ts';
import { callIdOf } from './call-id.ts';
import { switchToLargerModel } from './choose-turn-model.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import type { Passage } from './passage-text.ts';
import { assembleStep } from './prompt/assemble-step.ts';
import { passagesOf, retrievedPassages, takenSteps, toNumbered } from './taken-steps.ts';
import { fenced } from './turn-failure.ts';

/** A model call that is about to be made; `callId` names it in usage rows and in the provider's log. */
export type ModelCall = {
  model: ChatModel;
  request: ChatRequest;
  callId: string;
  /** Number of the first event that the call may append. */
  nextSeq: number;
  /** Offered to the model; none where it must answer now. */
  tools: readonly Tool[];
  /** What the answer may cite. */
  passages: readonly Passage[];
  limit: TurnLimit | null;
  /** The attempt that makes the call; its model may have changed, because the prompt was too long for the one before. */
  attempt: Attempt;
};

/** The model that the turn's agent answers with. */
export function modelOf(deps: ConversationDeps, { context }: Attempt): ChatModel {
  return deps.chatModel({
    provider: context.provider,
    modelId: context.provider_model_id,
    endpoint: context.endpoint,
    apiKey: context.api_key,
    capabilities: context.capabilities,
  });
}

/**
 * Begins a step that calls the model: assembles what it is asked, and writes the step, the usage row of the call, and the
 * events that come before its text. A prompt that is too long for the model goes to the agent's next one that is larger.
 * @throws ApplicationFailure `fenced`, PerdureError `prompt_too_long` when it is so for all of them.
 */
export async function beginModelStep(
  deps: ConversationDeps,
  em: EntityManager,
  attempt: Attempt,
  opening: readonly EventToAppend[],
  asked: { source: PromptSource; tools: readonly Tool[] },
): Promise<ModelCall> {
  try {
    return await beginFittingStep(deps, em, attempt, opening, asked);
  } catch (error) {
    if (!(error instanceof PerdureError && error.code === 'prompt_too_long')) throw error;
    const larger = await switchToLargerModel(em, attempt, attempt.context);
    if (larger === null) throw error;
    return beginModelStep(deps, em, { ...attempt, context: larger.context }, [...opening, larger.event], asked);
  }
}

async function beginFittingStep(
  deps: ConversationDeps,
  em: EntityManager,
  attempt: Attempt,
  opening: readonly EventToAppend[],
  { source, tools }: { source: PromptSource; tools: readonly Tool[] },
): Promise<ModelCall> {
  const { context, workspaceId, turnId, step, done } = attempt;
  const model = modelOf(deps, attempt);
  const models = done.filter(({ kind }) => kind === 'model');
  const results = models.length > 0 ? await readCallResults(em, turnId) : [];
  const limit = await limitOf(em, attempt, { ...source.agent.limits, ...context.limits });
  const offered = model.supportsTools ? tools : [];
  const numbered = retrievedPassages(done).map(toNumbered);
  const { messages, stored } = await assembleStep(em, {
    conversationId: attempt.conversationId,
    modelId: context.model_id,
    source,
    model: { ...model, capabilities: context.capabilities },
    tools: offered.map(({ definition }) => definition),
    passages: numbered,
    steps: takenSteps(done, results),
    former: new Map(models.map((earlier) => [earlier.step, earlier.request as StoredPrompt])),
    limit,
    // A provider counts tokens in its own way: what was too long for it is sent shorter.
    squeeze: 0.7 ** countTooLong(context.model_faults, step, context.model_id),
  });
  const { temperature, max_tokens: maxTokens } = source.agent;
  const callId = callIdOf(turnId, step, attempt.attempt);
  const request: ChatRequest = {
    messages,
    passages: numbered,
    callId,
    ...(offered.length === 0
      ? {}
      : {
          tools: offered.map(({ definition: { name, description, parameters } }) => ({
            name,
            description,
            parameters,
          })),
          ...(limit === null ? {} : { toolChoice: 'none' as const }),
        }),
    ...(temperature === null ? {} : { temperature }),
    ...(maxTokens === null ? {} : { maxTokens }),
  };
  if (limit !== null) await noteLimit(em, turnId, limit);
  const last = await beginCall(em, {
    ...{ workspaceId, turnId, step, attempt: attempt.attempt, callId },
    ...{ agentId: context.agent_id, modelId: context.model_id, pricing: context.pricing },
    events: [
      ...opening,
      { kind: 'step_started', data: { step, kind: 'model', model: context.model_name, ...(limit && { limit }) } },
    ],
    request: {
      model: context.model_name,
      temperature,
      max_tokens: maxTokens,
      call_id: callId,
      ...(offered.length > 0 && {
        tools: offered.map(({ definition: { type, id, name, version } }) => ({ type, id, name, version })),
      }),
      ...stored,
    },
  });
  if (last === null) throw fenced();
  return {
    ...{ model, request, callId, limit, attempt },
    nextSeq: last + 1,
    tools: limit === null ? offered : [],
    passages: passagesOf(done, results),
  };
}

/** The limit because of which the next call of the model is the turn's last one. */
async function limitOf(
  em: EntityManager,
  { turnId, context, done }: Attempt,
  limits: Partial<TurnLimits>,
): Promise<TurnLimit | null> {
  const isMetered = (limits.tokens ?? limits.cost ?? null) !== null;
  return reachedLimit(limits, {
    steps: done.filter(({ kind }) => kind === 'model').length,
    seconds: context.worked_seconds,
    ...sumUse(isMetered ? await readTurnCalls(em, turnId) : []),
  });
}
