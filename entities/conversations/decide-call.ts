import type { EntityManager } from '@mikro-orm/postgresql';
import { hasChange, writeDecision } from './approval-repository.ts';
import { endCall, failedCall, isTurnOver, turnOf } from './end-call.ts';
import { lockCall, noteSettlement, noteWaiting, type LockedCall } from './tool-call-repository.ts';
import { appendEventsUnderLock } from './turn-outcome-repository.ts';

/** A person's decision about a call that waits for approval. */
export type CallDecision = {
  callId: string;
  decision: 'approved' | 'denied';
  /** Of the arguments that the person has seen. */
  argumentsHash: string;
  /** Given in place of the model's; they have passed the tool's schema. */
  changedArguments: Record<string, unknown> | null;
  comment: string | null;
  by: string;
};

/** What became of a decision: taken now, taken before in the same way, or refused with the reason. */
export type DecisionOutcome =
  | { outcome: 'taken' | 'repeated'; call: LockedCall }
  | { outcome: 'refused'; reason: string }
  | { outcome: 'not_found' };

/**
 * Decides about a call under its lock. The same decision again changes nothing, another one is refused: the first holds.
 * The caller then tells the conversation's workflow.
 */
export async function decideCall(em: EntityManager, decision: CallDecision): Promise<DecisionOutcome> {
  const call = await lockCall(em, decision.callId);
  if (!call) return { outcome: 'not_found' };
  const { approval_state: state } = call;
  if (state === null) return refused('This call waits for no approval.');
  if (decision.argumentsHash !== call.approval_hash)
    return refused(
      'arguments_hash is not that of the call: it was decided about other arguments. Read the call and decide again.',
    );
  if (state !== 'waiting') {
    const isSame = state === decision.decision && (await hasChange(em, decision));
    if (isSame) return { outcome: 'repeated', call };
    return refused(
      `The call was ${state} before${call.decided_by === null ? '' : ` by ${call.decided_by}`}; that holds.`,
    );
  }
  if (call.state !== 'proposed' || isTurnOver(call)) return refused(`The call is ${call.state} already.`);
  const { callId, comment, by } = decision;
  await writeDecision(em, { ...decision, state: decision.decision });
  const decided = {
    kind: 'approval_decided' as const,
    data: { call_id: callId, decision: decision.decision, by, changed: decision.changedArguments !== null },
  };
  if (decision.decision === 'denied') {
    const why = comment === null || comment === '' ? '' : ` The reason given: ${comment}`;
    await endCall(
      em,
      call,
      failedCall('approval_denied', `A person denied this call. It was not run.${why}`, 'denied'),
      [decided],
    );
  } else {
    await appendEventsUnderLock(em, turnOf(call), [decided]);
    await noteWaiting(em, call.turn_id);
  }
  return { outcome: 'taken', call };
}

/** How a person settles a call whose outcome is unknown. */
export type CallSettlement = {
  callId: string;
  outcome: 'succeeded' | 'failed' | 'run_again';
  /** What the call gave, as the person has found out; the model reads it. */
  result: string | null;
  by: string;
};

/** Settles a call whose outcome is unknown, under its lock. The same settlement again changes nothing. */
export async function settleCall(em: EntityManager, settlement: CallSettlement): Promise<DecisionOutcome> {
  const call = await lockCall(em, settlement.callId);
  if (!call) return { outcome: 'not_found' };
  const { callId, outcome, result, by } = settlement;
  const kind = outcome === 'run_again' ? outcome : (`confirmed_${outcome}` as const);
  if (call.state !== 'needs_review') {
    if (call.settlement === kind) return { outcome: 'repeated', call };
    return refused(`The call is ${call.state}: there is nothing to settle.`);
  }
  if (outcome === 'run_again' && isTurnOver(call))
    return refused('Its turn has ended, so it cannot be run again. Say whether it succeeded or failed.');
  await noteSettlement(em, callId, by, kind);
  if (outcome === 'run_again') {
    await noteWaiting(em, call.turn_id);
    return { outcome: 'taken', call };
  }
  const said = result === null || result === '' ? '' : ` ${result}`;
  const detail = `A person found out that this call ${outcome}.${said}`;
  const failed = failedCall('confirmed_failed', detail);
  await endCall(em, call, outcome === 'failed' ? failed : { ...failed, state: 'succeeded', error: null });
  return { outcome: 'taken', call };
}

function refused(reason: string): DecisionOutcome {
  return { outcome: 'refused', reason };
}
