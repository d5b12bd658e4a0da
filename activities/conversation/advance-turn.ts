import { ApplicationFailure } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { OpenCall, TurnInput, TurnVerdict } from '../../contracts/names/workflows.ts';
import { exchangesOf } from '../../domain/prompting/exchanges-of.ts';
import { toolsOfTopic } from '../../domain/turns/topic-tools.ts';
import { readPromptSource, type PromptSource } from '../../entities/conversations/prompt-source-repository.ts';
import type { ActivityRun } from '../../entities/conversations/turn-lease-repository.ts';
import { appendEventsUnderLock, type EventToAppend } from '../../entities/conversations/turn-outcome-repository.ts';
import { beginStep, finishStep } from '../../entities/conversations/turn-step-repository.ts';
import { listOpenCalls } from '../../entities/conversations/tool-call-repository.ts';
import { settleUnknownUsage } from '../../entities/conversations/turn-usage-repository.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import { beginAttempt, beginEarly, continueEarly, presentOpenCall } from './begin-attempt.ts';
import type { Adoption, Attempt, BegunAttempt, StartedAttempt } from './begin-attempt.ts';
import { commitAnswer } from './commit-answer.ts';
import { commitCalls } from './commit-calls.ts';
import type { ConversationDeps, ResolvedTools } from './conversation-deps.ts';
import { wantsTitle } from './make-title.ts';
import { beginModelStep, modelOf, type ModelCall } from './plan-model-call.ts';
import { needsPreparation, prepareTurn, readSource } from './prompt/prepare-turn.ts';
import { RetrievalFault, retrievePassages } from './retrieve-passages.ts';
import { settleModelFault } from './settle-model-fault.ts';
import { settleRetrievalFault } from './settle-retrieval-fault.ts';
import { streamAnswer } from './stream-answer.ts';
import type { StreamedAnswer } from './stream-answer.ts';
import { fenced, toFailure } from './turn-failure.ts';

// What a search that knows the conversation reads of it.
const messagesForSearch = 20;

/** A turn that is taken over: its next call of the model, or what must be done before it. */
export type OpenTurn =
  | { attempt: Attempt; source: PromptSource; model: ChatModel; tools: null }
  | { attempt: Attempt; source: PromptSource; tools: ResolvedTools; call: ModelCall | null };

/** A turn that is taken over, or why there is nothing to do now. */
export type BegunTurn = Exclude<BegunAttempt, StartedAttempt> | OpenTurn | { over: 'completed'; wantsTitle: boolean };

/** Whoever takes a turn further: an activity of its workflow, or nobody that the workflow knows of yet. */
export type TurnRunner = {
  signal: AbortSignal;
  /** Counts how often the step was tried, from 1. */
  attempt: number;
  /** Whether nobody tries again after this. */
  isLast: boolean;
};

/** Takes the turn over for an activity and begins its next step, or says why there is nothing to do now. */
export function beginTurn(deps: ConversationDeps, input: TurnInput, run: ActivityRun): Promise<BegunTurn> {
  const work = async (em: EntityManager): Promise<BegunTurn> => {
    const start = await beginAttempt(em, input, run);
    if ('attempt' in start) return begin(deps, em, start.attempt, start.opening);
    if (!('over' in start) || start.over !== 'completed' || !start.wasUnheard) return start;
    // Whoever answered it could not tell the workflow.
    const source = await readPromptSource(em, input.turnId);
    return { over: 'completed', wantsTitle: source !== null && wantsTitle(source) };
  };
  return deps.database.inWorkspace(input.workspaceId, work, 'kept');
}

/** Takes a turn over that no workflow has heard of yet, for `leaseMs`, and begins its first step; null if it may not. */
export function beginTurnEarly(
  deps: ConversationDeps,
  input: TurnInput,
  lease: { leaseMs: number; adoption: Adoption },
): Promise<OpenTurn | null> {
  const work = async (em: EntityManager): Promise<OpenTurn | null> => {
    const start = await beginEarly(em, input, lease);
    return start && begin(deps, em, start.attempt, start.opening);
  };
  return deps.database.inWorkspace(input.workspaceId, work, 'kept');
}

/** Begins the step of a turn that was begun early which follows its calls, or says which calls are still to be served. */
export function beginNextEarly(deps: ConversationDeps, former: Attempt): Promise<OpenTurn | { open: OpenCall[] }> {
  const work = async (em: EntityManager): Promise<OpenTurn | { open: OpenCall[] }> => {
    const start = await continueEarly(em, former);
    if (start) return begin(deps, em, start.attempt, start.opening);
    return { open: (await listOpenCalls(em, former.turnId)).map(presentOpenCall) };
  };
  return deps.database.inWorkspace(former.workspaceId, work, 'kept');
}

/**
 * Takes a turn that was begun one call of the model further: retrieve if it has not, stream the model's answer, commit the
 * answer or the calls of tools that the model asks for. An attempt that was overtaken can write nothing.
 * @throws ApplicationFailure that says whether, and when, it is to be tried again; the abort reason of `signal`.
 */
export async function goOn(
  deps: ConversationDeps,
  begun: OpenTurn,
  { signal, attempt: tries, isLast }: TurnRunner,
): Promise<Exclude<TurnVerdict, { state: 'behind' | 'resting' }>> {
  let { attempt } = begun;
  let isCalling = false;
  try {
    deps.turnEvents.tellSoon(attempt.turnId);
    const ready = begun.tools === null ? await prepare(deps, begun, signal) : begun;
    attempt = ready.attempt;
    let { call } = ready;
    if (!call) {
      const retrieved = await retrieve(deps, ready, signal);
      attempt = retrieved.attempt;
      call = retrieved.call;
    }
    attempt = call.attempt;
    isCalling = true;
    // What was just read need not be asked again, but a retrieval may have taken a while.
    const isDue = begun === ready && ready.call !== null && !attempt.context.model_is_paced;
    const answer = await answerInTurn(deps, attempt, { call, isDue }, signal);
    isCalling = false;
    if (answer.toolCalls.length > 0 && call.limit === null) {
      const calls = await commitCalls(deps, attempt, call, answer);
      return { state: 'tools', step: attempt.step, calls };
    }
    await commitAnswer(deps, attempt, call.passages, answer);
    deps.metrics.turnFinished('done');
    return { state: 'completed', ...(wantsTitle(ready.source) && { wantsTitle: true as const }) };
  } catch (error) {
    signal.throwIfAborted();
    const fault = isCalling ? asProviderError(error) : null;
    // Without its rows a fault is repeated by Temporal's own policy.
    if (fault) throw await settleModelFault(deps, attempt, fault, { isLast }).catch(() => toFailure(fault));
    if (error instanceof RetrievalFault)
      throw await settleRetrievalFault(deps, attempt, error, { times: tries, isLast });
    await forgetOpenCall(deps, attempt);
    throw error;
  }
}

/** A turn whose next step is begun: its call of the model, or its retrieval. */
type Ready = Extract<OpenTurn, { call: ModelCall | null }>;

/**
 * Begins the step at which the turn stands: a retrieval before the first call of the model, or a call of the model. What
 * must be prepared first is only opened.
 */
async function begin(
  deps: ConversationDeps,
  em: EntityManager,
  attempt: Attempt,
  opening: readonly EventToAppend[],
): Promise<OpenTurn> {
  const model = modelOf(deps, attempt);
  const source = await readSource(em, attempt.turnId, model);
  if (!source) throw fenced();
  if (!needsPreparation(attempt, source, model)) return beginNext(deps, em, { attempt, source }, opening);
  await appendEventsUnderLock(em, attempt, opening);
  return { attempt, source, model, tools: null };
}

/** Prepares the turn in steps of its own, then begins the next one. */
async function prepare(
  deps: ConversationDeps,
  { attempt, source, model }: { attempt: Attempt; source: PromptSource; model: ChatModel },
  signal: AbortSignal,
): Promise<Ready> {
  const prepared = await prepareTurn(deps, attempt, { source, model }, signal);
  return deps.database.inWorkspace(attempt.workspaceId, async (em) => {
    const anew = await readSource(em, attempt.turnId, model);
    if (!anew) throw fenced();
    return beginNext(deps, em, { attempt: prepared, source: anew }, []);
  });
}

async function beginNext(
  deps: ConversationDeps,
  em: EntityManager,
  { attempt, source }: { attempt: Attempt; source: PromptSource },
  opening: readonly EventToAppend[],
): Promise<Ready> {
  const { workspaceId, turnId, step, context, done } = attempt;
  const references = toolsOfTopic(source.agent.tools, source.agent.topics, source.topic);
  const tools = await deps.tools.resolve(em, { workspaceId, references });
  const events = [...opening, ...(done.some(({ kind }) => kind === 'model') ? [] : warningsOf(tools))];
  if (tools.before.length === 0 || done.some(({ kind }) => kind === 'retrieve')) {
    const call = await beginModelStep(deps, em, attempt, events, { source, tools: tools.tools });
    return { attempt, source, tools, call };
  }
  const request = { rag_tools: tools.before, query: context.question };
  if (!(await beginStep(em, { workspaceId, turnId, step, attempt: attempt.attempt, kind: 'retrieve', request })))
    throw fenced();
  await appendEventsUnderLock(em, attempt, [...events, { kind: 'step_started', data: { step, kind: 'retrieve' } }]);
  return { attempt, source, tools, call: null };
}

function warningsOf({ leftOut }: ResolvedTools): EventToAppend[] {
  return leftOut.map(({ type, id, name, reason }) => ({
    kind: 'warning',
    data: { code: 'tool_left_out', detail: `The ${type} ${name ?? id} is not offered: ${reason}` },
  }));
}

/** Searches, and begins the call of the model in the transaction that keeps what was found. */
async function retrieve(
  deps: ConversationDeps,
  { attempt, source, tools }: Ready,
  signal: AbortSignal,
): Promise<{ attempt: Attempt; call: ModelCall }> {
  const { workspaceId, turnId, step } = attempt;
  const history = exchangesOf(source.branch.messages.slice(-messagesForSearch));
  const passages = await retrievePassages(deps, attempt, { toolIds: tools.before, history }, signal);
  return deps.database.inWorkspace(workspaceId, async (em) => {
    const response = { passages };
    if (!(await finishStep(em, { turnId, step, attempt: attempt.attempt, response }))) throw fenced();
    const done = [...attempt.done, { step, kind: 'retrieve' as const, request: {}, response }];
    const next: Attempt = { ...attempt, step: step + 1, done };
    return { attempt: next, call: await beginModelStep(deps, em, next, [], { source, tools: tools.tools }) };
  });
}

// About what English text has; what the provider counts in the end corrects it.
const charactersPerToken = 4;

/** Makes the call within the model's limits, which all workers share. */
function answerInTurn(
  deps: ConversationDeps,
  attempt: Attempt,
  { call, isDue }: { call: ModelCall; isDue: boolean },
  signal: AbortSignal,
): Promise<StreamedAnswer> {
  const { workspaceId, context } = attempt;
  const { model_id: modelId, provider, capabilities } = context;
  const characters = call.request.messages.reduce((sum, message) => sum + JSON.stringify(message).length, 0);
  return paceCall(
    deps.database,
    { workspaceId, modelId, provider, capabilities },
    { tokens: Math.ceil(characters / charactersPerToken), signal, isDue },
    { call: () => streamAnswer(deps, attempt, call, signal), tokensOf: ({ usage }) => usage?.totalTokens ?? null },
  );
}

/** The model's fault, if it is one; a pause of its provider, which others have met, is one too. */
function asProviderError(error: unknown): ProviderError | null {
  if (error instanceof ProviderError) return error;
  if (!(error instanceof ApplicationFailure) || error.type !== 'provider_rate_limited') return null;
  const retryAfterMs = error.nextRetryDelay === undefined ? null : Number(error.nextRetryDelay);
  return new ProviderError('rate_limited', error.message, { retryable: true, retryAfterMs });
}

/** A call whose figures did not arrive is unknown from now on; if even this fails, the next takeover notes it. */
async function forgetOpenCall(deps: ConversationDeps, attempt: Attempt): Promise<void> {
  const { workspaceId, turnId } = attempt;
  await deps.database.inWorkspace(workspaceId, (em) => settleUnknownUsage(em, turnId, attempt.attempt)).catch(() => {});
}
