import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  isCancellation,
  proxyActivities,
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
  type QueuedTurn,
  type TurnEnd,
  type TurnVerdict,
} from '../contracts/names/workflows.ts';
import { answerOptions, endTurnOptions, keptWarmFor } from './conversation-options.ts';
import { currentTrace, inTrace } from './trace-context.ts';

const { generateAnswer } = proxyActivities<ReturnType<typeof createConversationActivities>>(answerOptions);
const { endTurn } = proxyLocalActivities<ReturnType<typeof createConversationActivities>>(endTurnOptions);

/** Brings a turn whose row is committed. Returns at once: the turn is served by the main loop. */
export const submitTurn = defineUpdate<void, [QueuedTurn]>(conversationMessages.submitTurn);
/** Ends a turn that runs or waits. Returns at once; the turn's row tells when it has ended. */
export const cancelTurn = defineUpdate<void, [CancelTurn]>(conversationMessages.cancelTurn);
/** Which turn runs and which wait. */
export const status = defineQuery<ConversationStatus>(conversationMessages.status);

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
  const ended = new Map<string, TurnVerdict['state']>();
  const tell = () => setCurrentDetails(describe(running?.turnId ?? null, queue.length, [...ended.values()]));

  // A turn that is brought twice (by a client's retry or by the sweep) is served once: its row says that it has ended.
  setHandler(submitTurn, ({ turnId }) => {
    if (running?.turnId === turnId || queue.some((turn) => turn.turnId === turnId)) return;
    const trace = currentTrace();
    arrived += 1;
    queue.push(trace === undefined ? { turnId } : { turnId, trace });
    tell();
  });
  setHandler(cancelTurn, ({ turnId }) => {
    cancels.push(turnId);
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

  async function serve(turn: QueuedTurn): Promise<void> {
    const scope = new CancellationScope({ cancellable: true });
    running = { turnId: turn.turnId, scope };
    tell();
    try {
      const verdict = await scope.run(() =>
        generateAnswer({
          workspaceId: input.workspaceId,
          conversationId: input.conversationId,
          turnId: turn.turnId,
        }),
      );
      // The row may ask for the end before the update that asks for it has arrived here.
      if (verdict.state === 'cancelled') await end(turn.turnId, { state: 'cancelled', code: 'cancelled' });
      else ended.set(turn.turnId, verdict.state);
    } catch (error) {
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
    else return;
    if (workflowInfo().continueAsNewSuggested && cancels.length === 0)
      await continueAsNew<typeof conversation>({
        workspaceId: input.workspaceId,
        conversationId: input.conversationId,
        agentId: input.agentId,
        queue,
      });
  }
}

/** What an operator reads in Temporal's UI: ids and counts, never text. */
function describe(running: string | null, waiting: number, ended: readonly TurnVerdict['state'][]): string {
  const counts = [...new Set(ended)].map((state) => `${ended.filter((one) => one === state).length} ${state}`);
  const now = running === null ? 'No turn runs' : `Turn \`${running}\` runs`;
  return `${now}, ${waiting} waiting. Ended in this run: ${counts.join(', ') || 'none'}.`;
}

function endOf(error: unknown): TurnEnd {
  if (isCancellation(error)) return { state: 'cancelled', code: 'cancelled' };
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const code = cause instanceof ApplicationFailure ? cause.type : undefined;
  if (code === 'cancelled') return { state: 'cancelled', code };
  return { state: 'failed', code: code ?? 'unavailable' };
}
