import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  patched,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { createConversationActivities } from '../activities/conversation/create-conversation-activities.ts';
import {
  conversationMessages,
  type CancelTurn,
  type ConversationInput,
  type ConversationStatus,
  type DecideCall,
  type EndedTurn,
  type EndRest,
  type QueuedTurn,
  type TurnEnd,
} from '../contracts/names/workflows.ts';
import { endTurnOptions, keptWarmFor } from './conversation-options.ts';
import { serveTurn, type CallDesk } from './serve-turn.ts';
import { currentTrace, inTrace } from './trace-context.ts';

const { endTurn } = proxyLocalActivities<ReturnType<typeof createConversationActivities>>(endTurnOptions);

/** Brings a turn whose row is committed. Returns at once: the turn is served by the main loop. */
export const submitTurn = defineUpdate<void, [QueuedTurn]>(conversationMessages.submitTurn);
/** Ends a turn that runs or waits, and forgets others that have ended. Returns at once; its row tells when it has ended. */
export const cancelTurn = defineUpdate<void, [CancelTurn]>(conversationMessages.cancelTurn);
/** Says that a person has decided about a call or settled it. Returns at once; the call's row tells how. */
export const decideCall = defineUpdate<void, [DecideCall]>(conversationMessages.decideCall);
/** Says that a model of the turn was mended; nothing happens where the turn does not rest. */
export const endRest = defineSignal<[EndRest]>(conversationMessages.endRest);
/** Which turn runs and which wait. */
export const status = defineQuery<ConversationStatus>(conversationMessages.status);

// Bounds the history where Temporal suggests nothing: a turn without tools has about ten events.
const mostTurnsPerRun = 400;

/**
 * The entity of one conversation: serves one turn at a time, in the order of arrival, and completes once it has been
 * idle for a while; the next message starts it again. Everything that must outlive it is in Postgres.
 */
export async function conversation(input: ConversationInput): Promise<void> {
  const queue: QueuedTurn[] = [...(input.queue ?? [])];
  const cancels: string[] = [...(input.cancels ?? [])];
  let running: { turnId: string; scope: CancellationScope } | null = null;
  let arrived = 0;
  let idle = false;
  let served = 0;
  const desk: CallDesk = { decided: new Set(), writes: new Set(), roused: new Set() };
  const ended = new Map<string, EndedTurn['state']>();
  const tell = () => setCurrentDetails(describe(running?.turnId ?? null, queue.length, [...ended.values()]));

  // A turn that is brought twice (by a client's retry or by the sweep) is served once: its row says that it has ended.
  const bring = (turnId: string): void => {
    if (running?.turnId === turnId || queue.some((turn) => turn.turnId === turnId)) return;
    const trace = currentTrace();
    arrived += 1;
    queue.push(trace === undefined ? { turnId } : { turnId, trace });
    tell();
  };
  setHandler(submitTurn, ({ turnId }) => bring(turnId));
  setHandler(cancelTurn, ({ turnId, ended: gone = [] }) => {
    cancels.push(turnId);
    if (gone.length === 0) return;
    queue.splice(0, queue.length, ...queue.filter((turn) => !gone.includes(turn.turnId)));
    for (const one of gone) ended.set(one, 'cancelled');
    tell();
  });
  // A decision may meet a run that has not heard of the turn: its own was ended from outside.
  setHandler(decideCall, ({ turnId, callId }) => {
    desk.decided.add(callId);
    bring(turnId);
  });
  setHandler(endRest, ({ turnId }) => {
    desk.roused.add(turnId);
  });
  setHandler(status, () => ({ running: running?.turnId ?? null, queued: queue.map((turn) => turn.turnId) }));

  // Runs beside the turns, so that a cancel waits for nothing.
  async function serveCancels(): Promise<never> {
    for (;;) {
      await condition(() => cancels.length > 0);
      const turnId = cancels[0] as string;
      const place = queue.findIndex((turn) => turn.turnId === turnId);
      if (running?.turnId === turnId) running.scope.cancel();
      else {
        if (place >= 0) queue.splice(place, 1);
        await end(turnId, { state: 'cancelled', code: 'cancelled' });
      }
      cancels.shift();
    }
  }

  // One timer every while. One for each turn would be written, and cancelled, with every message.
  async function watchForIdleness(): Promise<void> {
    for (let before = -1; before !== arrived || running !== null;) {
      before = arrived;
      await sleep(keptWarmFor, { summary: 'End this run if nothing arrives' });
      // A turn may wait for a person for weeks; no timer is needed meanwhile.
      if (running !== null && patched('idle-after-turn')) {
        await condition(() => running === null);
        before = -1;
      }
    }
    idle = true;
  }

  async function end(turnId: string, how: TurnEnd): Promise<void> {
    const summary = how.state === 'cancelled' ? 'End the turn: cancelled' : `End the turn: failed, ${how.code}`;
    await CancellationScope.nonCancellable(async () => {
      const turn = { workspaceId: input.workspaceId, conversationId: input.conversationId, turnId };
      const { state } = await endTurn.executeWithOptions({ summary }, [turn, how]);
      ended.set(turnId, state);
    });
    tell();
  }

  // Their own updates may be on their way yet.
  function putBehind(turn: QueuedTurn, earlier: readonly string[]): void {
    const known = new Map(queue.map((queued) => [queued.turnId, queued]));
    const later = queue.filter(({ turnId }) => !earlier.includes(turnId));
    queue.splice(0, queue.length, ...earlier.map((turnId) => known.get(turnId) ?? { turnId }), turn, ...later);
  }

  async function serve(turn: QueuedTurn): Promise<void> {
    const scope = new CancellationScope({ cancellable: true });
    running = { turnId: turn.turnId, scope };
    tell();
    try {
      const state = await scope.run(() =>
        serveTurn({ workspaceId: input.workspaceId, conversationId: input.conversationId, turnId: turn.turnId }, desk),
      );
      // The row may ask for the end before the update that asks for it has arrived here.
      if (state === 'cancelled') await end(turn.turnId, { state, code: state });
      else if (state === 'carried') queue.unshift(turn);
      else if (typeof state === 'object') putBehind(turn, state.behind);
      else ended.set(turn.turnId, state);
    } catch (error) {
      // Calls beside the one that failed would wait for people on behalf of a turn that is over.
      scope.cancel();
      await end(turn.turnId, endOf(error));
    } finally {
      running = null;
      tell();
    }
  }

  void serveCancels();
  void watchForIdleness();
  tell();
  for (;;) {
    await condition(() => queue.length > 0 || cancels.length > 0 || idle);
    const turn = queue.shift();
    if (turn) await inTrace(turn.trace, 'turn', () => serve(turn));
    else if (cancels.length > 0) await condition(() => cancels.length === 0);
    else if (desk.writes.size > 0) await condition(() => desk.writes.size === 0);
    else return;
    served += 1;
    const isFull =
      workflowInfo().continueAsNewSuggested ||
      (served >= (input.turnsPerRun ?? mostTurnsPerRun) && patched('turns-per-run'));
    if (isFull && desk.writes.size > 0) await condition(() => desk.writes.size === 0);
    if (isFull && cancels.length === 0) await continueAsNew<typeof conversation>({ ...input, queue, cancels: [] });
  }
}

/** What an operator reads in Temporal's UI: ids and counts, never text. */
function describe(running: string | null, waiting: number, ended: readonly EndedTurn['state'][]): string {
  const counts = [...new Set(ended)].map((state) => `${ended.filter((one) => one === state).length} ${state}`);
  const now = running === null ? 'No turn runs' : `Turn \`${running}\` runs`;
  return `${now}, ${waiting} waiting. Ended in this run: ${counts.join(', ') || 'none'}.`;
}

function endOf(error: unknown): TurnEnd {
  if (isCancellation(error)) return { state: 'cancelled', code: 'cancelled' };
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const code = cause instanceof ApplicationFailure ? cause.type : undefined;
  if (code === 'cancelled') return { state: 'cancelled', code };
  // What Temporal reports itself, a time-out above all, has no code; whatever else came here is a fault of this code.
  return { state: 'failed', code: code ?? (error instanceof ActivityFailure ? 'unavailable' : 'internal') };
}
