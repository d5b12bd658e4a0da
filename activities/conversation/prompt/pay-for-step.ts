import type { EntityManager } from '@mikro-orm/postgresql';
import { appendEventsUnderLock } from '../../../entities/conversations/turn-outcome-repository.ts';
import { beginStep, finishStep, type StepKind } from '../../../entities/conversations/turn-step-repository.ts';
import { startUsage } from '../../../entities/conversations/turn-usage-repository.ts';
import type { ChatModel, ChatRequest } from '../../../providers/chat-model.ts';
import { askAside, isFaultOfModel, settleAside, type SideAnswer } from '../ask-aside.ts';
import type { Attempt } from '../begin-attempt.ts';
import { callIdOf } from '../call-id.ts';
import type { ConversationDeps } from '../conversation-deps.ts';
import { findSideModels, type SideModel } from '../side-models.ts';
import { fenced } from '../turn-failure.ts';

/** What a model of a turn is asked for that is not the answer. */
export type PaidStep = {
  kind: Extract<StepKind, 'route' | 'summarize'>;
  chat: ChatRequest;
  /** What `turn_steps.request` keeps. */
  request: Record<string, unknown>;
  /**
   * Makes the step's response of the model's text, and writes what follows from it, in the transaction that ends the
   * step. Null stands for models that failed.
   */
  conclude(em: EntityManager, text: string | null, modelId: string): Promise<Record<string, unknown>>;
};

/**
 * Makes a paid call as a step of its own: booked before it is made, settled after it, within the model's pace. A model
 * that fails leaves it to the next one of the agent, in a step of its own again. Where all fail, the turn does not: the
 * step says so, watchers are warned, and the turn goes on without what it would have given.
 * Returns the attempt at the step behind. @throws ApplicationFailure `fenced`, the abort reason of `signal`.
 */
export async function payForStep(
  deps: ConversationDeps,
  attempt: Attempt,
  model: ChatModel,
  work: PaidStep,
  signal: AbortSignal,
): Promise<Attempt> {
  const { workspaceId, context } = attempt;
  const { model_id: modelId, model_name: name, provider, capabilities, pricing } = context;
  const own: SideModel = { workspaceId, modelId, name, provider, capabilities, pricing, chat: model };
  let tried = attempt.done.flatMap(({ kind, response }) =>
    kind === work.kind && typeof response[leftBy] === 'string' ? [response[leftBy]] : [],
  );
  let current = attempt;
  // A crash may have come between two models.
  let next = tried.length === 0 ? own : ((await findNext(deps, attempt, tried)) ?? own);
  for (;;) {
    tried = [...tried, next.modelId];
    const callId = await begin(deps, current, next, work);
    const answer = await askAside(deps, next, next.chat, { ...work.chat, callId }, signal);
    const ended = await end(deps, current, work, { asked: next, callId, answer, tried });
    current = ended.attempt;
    if (ended.next === null) return current;
    next = ended.next;
  }
}

/** Whether a step gave its work over to the next model, so that it is still to be done. */
export function isLeftToNext(response: Record<string, unknown>): boolean {
  return response[leftBy] !== undefined;
}

// In the response of a step: the model that has failed in it and has another one behind it.
const leftBy = 'left_by';

async function begin(
  deps: ConversationDeps,
  attempt: Attempt,
  { modelId, name, pricing }: SideModel,
  { kind, request }: PaidStep,
): Promise<string> {
  const { workspaceId, turnId, step, context } = attempt;
  const callId = callIdOf(turnId, step, attempt.attempt);
  await deps.database.inWorkspace(workspaceId, async (em) => {
    const kept = { model: name, call_id: callId, ...request };
    if (!(await beginStep(em, { workspaceId, turnId, step, attempt: attempt.attempt, kind, request: kept })))
      throw fenced();
    await startUsage(em, {
      ...{ callId, workspaceId, modelId, turnId, step, pricing },
      agentId: context.agent_id,
      attempt: attempt.attempt,
    });
    await appendEventsUnderLock(em, attempt, [{ kind: 'step_started', data: { step, kind, model: name } }]);
  });
  deps.wakeTurns([turnId]);
  return callId;
}

async function end(
  deps: ConversationDeps,
  attempt: Attempt,
  { kind, request, conclude }: PaidStep,
  { asked, callId, answer, tried }: { asked: SideModel; callId: string; answer: SideAnswer; tried: readonly string[] },
): Promise<{ attempt: Attempt; next: SideModel | null }> {
  const { workspaceId, turnId, step } = attempt;
  const { text, code } = answer;
  const ended = await deps.database.inWorkspace(workspaceId, async (em) => {
    await settleAside(em, asked, callId, answer);
    const next = code !== null && isFaultOfModel(code) ? await findNextIn(deps, em, attempt, tried) : null;
    const response = {
      ...(text !== null && { text }),
      ...(next === null ? await conclude(em, text, asked.modelId) : { [leftBy]: asked.modelId }),
      ...(code && { error: code }),
    };
    if (!(await finishStep(em, { turnId, step, attempt: attempt.attempt, response }))) throw fenced();
    const behind = { ...attempt, step: step + 1, done: [...attempt.done, { step, kind, request, response }] };
    if (code !== null && next !== null) {
      const data = { step: step + 1, from: asked.name, to: next.name, reason: code };
      await appendEventsUnderLock(em, behind, [{ kind: 'model_fallback', data }]);
    } else if (code !== null) {
      const detail = `${without[kind]} (${asked.name}: ${code})`;
      await appendEventsUnderLock(em, behind, [{ kind: 'warning', data: { code: 'step_left_out', detail } }]);
    }
    return { attempt: behind, next };
  });
  if (code !== null)
    deps.metrics.modelFailed({ model: asked.name, code, outcome: ended.next === null ? 'gave_up' : 'fell_back' });
  return ended;
}

const without: Record<PaidStep['kind'], string> = {
  route: 'No model could be asked for the topic: it is that of the turn before.',
  summarize: 'No model could sum up the oldest messages: they are left out.',
};

function findNext(deps: ConversationDeps, attempt: Attempt, tried: readonly string[]): Promise<SideModel | null> {
  return deps.database.inWorkspace(attempt.workspaceId, (em) => findNextIn(deps, em, attempt, tried));
}

async function findNextIn(
  deps: ConversationDeps,
  em: EntityManager,
  { workspaceId, turnId, context }: Attempt,
  tried: readonly string[],
): Promise<SideModel | null> {
  const [next] = await findSideModels(deps, em, { workspaceId, turnId, current: context.model_id }, tried);
  return next ?? null;
}
