import {
  ApplicationFailure,
  CancellationScope,
  condition,
  proxyActivities,
  proxyLocalActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { createConversationActivities } from '../activities/conversation/create-conversation-activities.ts';
import type { CallVerdict, EndedTurn, OpenCall, TurnInput, TurnVerdict } from '../contracts/names/workflows.ts';
import {
  answerOptions,
  expireApprovalOptions,
  longestRestMs,
  runToolOptions,
  titleOptions,
} from './conversation-options.ts';

type Steps = ReturnType<typeof createConversationActivities>;

const { generateAnswer } = proxyActivities<Steps>(answerOptions);
const { makeTitle } = proxyActivities<Steps>(titleOptions);
const { expireApproval } = proxyLocalActivities<Steps>(expireApprovalOptions);

/** What the turns of one run share. */
export type CallDesk = {
  /** Calls about which a person has decided, until somebody looks. */
  decided: Set<string>;
  /** Writes of tools and titles that are under way; they go on when their turn ends, and the run waits for them. */
  writes: Set<Promise<unknown>>;
  /** Turns that need not rest any longer, until they look. */
  roused: Set<string>;
};

/**
 * Serves a turn: asks the model, runs the tools it asks for, asks it again, until there is an answer or an end. `carried`
 * means that the history is full: the turn goes on in the next run, from where its rows say that it is. `behind` names
 * turns that are to be served first.
 */
export async function serveTurn(
  turn: TurnInput,
  desk: CallDesk,
): Promise<EndedTurn['state'] | 'carried' | { behind: string[] }> {
  for (let [tries, restedMs] = [0, 0]; ;) {
    const verdict = await generateAnswer({ ...turn, tries });
    if (verdict.state === 'behind') return { behind: verdict.turnIds };
    if (verdict.state === 'resting') {
      restedMs += await rest(turn, verdict, { desk, restedMs });
      ({ tries } = verdict);
      continue;
    }
    [tries, restedMs] = [0, 0];
    if (verdict.state !== 'tools') {
      if (verdict.wantsTitle) void keep(() => makeTitle(turn), desk);
      return verdict.state;
    }
    const isServed = await serveCalls(turn, verdict.calls, desk);
    if (!isServed || workflowInfo().continueAsNewSuggested) return 'carried';
  }
}

/**
 * Waits until a model of the turn may be called again, or until somebody says that it may; returns for how long it has.
 * @throws ApplicationFailure with the code of what is waited for once the turn has rested for too long.
 */
async function rest(
  { turnId }: TurnInput,
  { ms, code }: Extract<TurnVerdict, { state: 'resting' }>,
  { desk, restedMs }: { desk: CallDesk; restedMs: number },
): Promise<number> {
  if (restedMs + ms > longestRestMs)
    throw ApplicationFailure.nonRetryable('No model of the turn could be called for too long.', code);
  const begun = Date.now();
  await condition(() => desk.roused.has(turnId), ms, { summary: 'Rest until a model may be called' });
  desk.roused.delete(turnId);
  return Date.now() - begun;
}

/** Serves the calls of one step, each on its own; false when all that is left waits for people and the history is full. */
async function serveCalls(turn: TurnInput, calls: readonly OpenCall[], desk: CallDesk): Promise<boolean> {
  let open = calls.length;
  let working = 0;
  const served = Promise.all(
    calls.map(async (call) => {
      await serveCall(turn, call, desk, async (run) => {
        working += 1;
        const verdict = await run();
        working -= 1;
        return verdict;
      });
      open -= 1;
    }),
  );
  // The condition below may win the race; what then becomes of the calls is a matter of the next run.
  served.catch(() => {});
  await Promise.race([served, condition(() => open === 0 || (working === 0 && workflowInfo().continueAsNewSuggested))]);
  return open === 0;
}

async function serveCall(
  turn: TurnInput,
  call: OpenCall,
  desk: CallDesk,
  work: (run: () => Promise<CallVerdict>) => Promise<CallVerdict>,
): Promise<void> {
  const isDecided = () => desk.decided.has(call.callId);
  for (let { wait } = call; ; wait = 'review') {
    if (wait === 'approval') {
      const left = Math.max((call.expiresAt ?? 0) - Date.now(), 1);
      const inTime = await condition(isDecided, left, { summary: 'Deny the call if nobody approves it' });
      if (!inTime) await expireApproval({ ...turn, callId: call.callId });
    }
    if (wait === 'review') await condition(isDecided);
    desk.decided.delete(call.callId);
    const { state } = await work(() => runTool(turn, call, desk));
    if (state === 'settled') return;
  }
}

function runTool(turn: TurnInput, call: OpenCall, desk: CallDesk): Promise<CallVerdict> {
  const steps = proxyActivities<Steps>(runToolOptions(call));
  const input = { ...turn, callId: call.callId };
  if (call.effect === 'read') return steps.runTool(input);
  // A write is not cut off: its outcome is recorded, also when the turn does not wait for it any more.
  return untilCancelled(keep(() => steps.runTool(input), desk));
}

/** Begins what goes on when its turn ends; the run waits for it. */
function keep<T>(write: () => Promise<T>, desk: CallDesk): Promise<T> {
  const written = CancellationScope.nonCancellable(() => write());
  const forget = () => desk.writes.delete(kept);
  const kept: Promise<unknown> = written.then(forget, forget);
  desk.writes.add(kept);
  return written;
}

/** The result of `work`, or the cancellation of the scope in which it is waited for. */
async function untilCancelled<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const note = async (): Promise<void> => {
    try {
      await work;
    } finally {
      isDone = true;
    }
  };
  note().catch(() => {});
  await condition(() => isDone);
  return work;
}
