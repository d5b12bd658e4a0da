import { ApplicationFailure } from '@temporalio/activity';
import type { CallInput } from '../../contracts/names/workflows.ts';
import { writeDecision } from '../../entities/conversations/approval-repository.ts';
import { endCall, failedCall } from '../../entities/conversations/end-call.ts';
import { lockCall } from '../../entities/conversations/tool-call-repository.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { toFailure } from './turn-failure.ts';

/** Turns an approval that nobody gave in time into a denial. A decision that was made before stands. */
export function createExpireApproval(deps: ConversationDeps): (input: CallInput) => Promise<void> {
  return async function expireApproval({ workspaceId, turnId, callId }) {
    try {
      await deps.database.inWorkspace(workspaceId, async (em) => {
        const call = await lockCall(em, callId);
        if (call?.state !== 'proposed' || call.approval_state !== 'waiting') return;
        await writeDecision(em, { callId, state: 'expired', by: null, changedArguments: null, comment: null });
        await endCall(
          em,
          call,
          failedCall('approval_expired', 'Nobody approved this call in time. It was not run.', 'expired'),
          [{ kind: 'approval_decided', data: { call_id: callId, decision: 'expired', by: null } }],
        );
      });
      deps.wakeTurns([turnId]);
    } catch (error) {
      const failure = toFailure(error);
      // The wait must reach its end: nothing that stops this step is final.
      throw ApplicationFailure.create({ type: failure.type ?? 'internal', message: failure.message });
    }
  };
}
