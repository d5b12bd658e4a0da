import { ApplicationFailure, Context } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { TurnInput, TurnVerdict } from '../../contracts/names/workflows.ts';
import { exchangesOf } from '../../domain/prompting/exchanges-of.ts';
import { toolsOfTopic } from '../../domain/turns/topic-tools.ts';
import type { PromptSource } from '../../entities/conversations/prompt-source-repository.ts';
import { appendEventsUnderLock, type EventToAppend } from '../../entities/conversations/turn-outcome-repository.ts';
import { beginStep, finishStep } from '../../entities/conversations/turn-step-repository.ts';
import { settleUnknownUsage } from '../../entities/conversations/turn-usage-repository.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import { beginAttempt, type Attempt, type BegunAttempt } from './begin-attempt.ts';
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

// Four in the heartbeat's time-out. A cancel is not waited for here: the turn's row tells of it sooner.
const heartbeatEveryMs = 1000;
// What a search that knows the conversation reads of it.
const messagesForSearch = 20;

/** What stands at the beginning of an attempt: its call, or what must be retrieved first. */
type Begun =
  | Exclude<BegunAttempt, { attempt: Attempt }>
  | { attempt: Attempt; source: PromptSource; model: ChatModel; tools: null }
  | { attempt: Attempt; source: PromptSource; tools: ResolvedTools; call: ModelCall | null };

/**
 * Takes a turn one call of the model further: take over, retrieve if it has not, stream the model's answer, commit the
 * answer or the calls of tools that the model asks for. Where the turn stands, its rows tell; running this again is
 * harmless: a turn that has ended is left alone, one that waits for its tools says so, and an attempt that was overtaken
 * can write nothing.
 */
export function createGenerateAnswer(deps: ConversationDeps): (input: TurnInput) => Promise<TurnVerdict> {
  return async function generateAnswer(input) {
    const context = Context.current();
    const { activityId, attempt: activityAttempt, workflowExecution } = context.info;
    const run = { runId: workflowExecution?.runId ?? '', activityId, attempt: activityAttempt };
    const heartbeat = setInterval(() => context.heartbeat(), heartbeatEveryMs);
    let attempt: Attempt | null = null;
    let isCalling = false;
    try {
      // Without retrieval the call is known at once, and one commit less stands before the first token.
      const begun = await deps.database.inWorkspace(input.workspaceId, async (em): Promise<Begun> => {
        const start = await beginAttempt(em, input, run);
        if (!('attempt' in start)) return start;
        return begin(deps, em, start.attempt, start.opening);
      });
      if ('over' in begun) return { state: begun.over };
      if ('open' in begun) return { state: 'tools', step: begun.step, calls: begun.open };
      deps.wakeTurns([input.turnId]);
      if ('restMs' in begun) throw resting(begun.restMs);
      attempt = begun.attempt;
      const ready = begun.tools === null ? await prepare(deps, begun, context.cancellationSignal) : begun;
      attempt = ready.attempt;
      let { call } = ready;
      if (!call) {
        const retrieved = await retrieve(deps, ready, context.cancellationSignal);
        attempt = retrieved.attempt;
        call = retrieved.call;
      }
      attempt = call.attempt;
      isCalling = true;
      // What was just read need not be asked again, but a retrieval may have taken a while.
      const isDue = begun === ready && ready.call !== null && !attempt.context.model_is_paced;
      const answer = await answerInTurn(deps, attempt, { call, isDue }, context.cancellationSignal);
      isCalling = false;
      if (answer.toolCalls.length > 0 && call.limit === null) {
        const calls = await commitCalls(deps, attempt, call, answer);
        return { state: 'tools', step: attempt.step, calls };
      }
      await commitAnswer(deps, attempt, call.passages, answer);
      deps.metrics.turnFinished('done');
      return { state: 'completed', ...(wantsTitle(ready.source) && { wantsTitle: true as const }) };
    } catch (error) {
      if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
      const fault = isCalling ? asProviderError(error) : null;
      const isLast = activityAttempt >= (context.info.retryPolicy?.maximumAttempts ?? Number.POSITIVE_INFINITY);
      // Without its rows a fault is repeated by Temporal's own policy.
      if (attempt && fault)
        throw await settleModelFault(deps, attempt, fault, { isLast }).catch(() => toFailure(fault));
      if (attempt && error instanceof RetrievalFault)
        throw await settleRetrievalFault(deps, attempt, error, { times: activityAttempt, isLast });
      if (attempt) await forgetOpenCall(deps, attempt);
      throw asRepeatable(toFailure(error));
    } finally {
      clearInterval(heartbeat);
    }
  };
}

/** A turn whose next step is begun: its call of the model, or its retrieval. */
type Ready = Extract<Begun, { call: ModelCall | null }>;

/**
 * Begins the step at which the turn stands: a retrieval before the first call of the model, or a call of the model. What
 * must be prepared first is only opened.
 */
async function begin(
  deps: ConversationDeps,
  em: EntityManager,
  attempt: Attempt,
  opening: readonly EventToAppend[],
): Promise<Extract<Begun, { source: PromptSource }>> {
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

/** Thrown while every model of a turn is left alone: tried again when the first of them may be called. */
function resting(restMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'provider_unavailable',
    message: `Every model of the turn failed too often and rests for another ${Math.ceil(restMs / 1000)} s.`,
    nextRetryDelay: Math.max(1, Math.ceil(restMs)),
  });
}

/** A call whose figures did not arrive is unknown from now on; if even this fails, the next takeover notes it. */
async function forgetOpenCall(deps: ConversationDeps, attempt: Attempt): Promise<void> {
  const { workspaceId, turnId } = attempt;
  await deps.database.inWorkspace(workspaceId, (em) => settleUnknownUsage(em, turnId, attempt.attempt)).catch(() => {});
}

/**
 * Whoever is fenced while Temporal still listens to it was overtaken by a worker that woke up late: it tries again, and
 * finds out from the rows whether the turn goes on.
 */
function asRepeatable(failure: ApplicationFailure): ApplicationFailure {
  if (failure.type !== 'fenced') return failure;
  return ApplicationFailure.create({ type: 'fenced', message: failure.message });
}
