import { ApplicationFailure } from '@temporalio/activity';
import { errorTable, type ErrorCode } from '../../contracts/errors.ts';
import { turnHintOf } from '../../contracts/turn-hints.ts';
import type { EndedTurn, TurnEnd, TurnInput } from '../../contracts/names/workflows.ts';
import { cancelOpenCalls } from '../../entities/conversations/tool-call-repository.ts';
import { closeEarlierAttempts, takeOverTurn } from '../../entities/conversations/turn-attempt-repository.ts';
import {
  appendEventsUnderLock,
  endTurnRow,
  lockConversationAndTurn,
  readStreamedText,
  writeAnswer,
} from '../../entities/conversations/turn-outcome-repository.ts';
import { answerIdOf } from './call-id.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { toFailure } from './turn-failure.ts';

const ended = new Set(['completed', 'failed', 'cancelled']);

/**
 * Ends a turn that has no answer of its own: cancelled (what was said is kept, marked so) or failed (with a reason from
 * the error table). Fences whatever attempt still runs. A turn that has ended is left as it is.
 */
export function createEndTurn(deps: ConversationDeps): (input: TurnInput, end: TurnEnd) => Promise<EndedTurn> {
  return async function endTurn(input, end) {
    try {
      const state = await deps.database.inWorkspace(input.workspaceId, async (em): Promise<EndedTurn['state']> => {
        const turn = await lockConversationAndTurn(em, input.conversationId, input.turnId);
        if (!turn) return 'gone';
        if (ended.has(turn.state)) return turn.state as EndedTurn['state'];
        const said = end.state === 'cancelled' ? await readStreamedText(em, input.turnId) : '';
        const messageId = said === '' ? null : answerIdOf(input.turnId);
        if (messageId !== null)
          await writeAnswer(em, {
            ...input,
            messageId,
            tokenCount: null,
            metadata: { cancelled: true },
          });
        const attempt = turn.attempt + 1;
        await takeOverTurn(em, { turnId: input.turnId, attempt });
        await closeEarlierAttempts(em, input.turnId);
        await cancelOpenCalls(em, input.turnId);
        const code = knownCode(end.code);
        const hint = turnHintOf(code);
        const error = end.state === 'failed' ? { code, detail: errorTable[code].title } : null;
        await appendEventsUnderLock(em, { ...input, attempt }, [
          error
            ? { kind: 'error', data: { ...error, ...(hint !== null && { hint }) } }
            : { kind: 'cancelled', data: { message_id: messageId } },
        ]);
        await endTurnRow(em, { turnId: input.turnId, state: end.state, messageId, error });
        return end.state;
      });
      deps.wakeTurns([input.turnId]);
      if (state === 'failed' || state === 'cancelled') deps.metrics.turnFinished(state === 'failed' ? 'error' : state);
      return { state };
    } catch (error) {
      const failure = toFailure(error);
      // The turn must reach its end: nothing that stops this step is final.
      throw ApplicationFailure.create({ type: failure.type ?? 'internal', message: failure.message });
    }
  };
}

function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'internal';
}
