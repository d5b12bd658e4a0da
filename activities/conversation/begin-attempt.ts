import type { EntityManager } from '@mikro-orm/postgresql';
import type { TurnInput } from '../../contracts/names/workflows.ts';
import {
  lockTurn,
  readHistory,
  takeOverTurn,
  type TurnContext,
} from '../../entities/conversations/turn-attempt-repository.ts';
import { appendEventsUnderLock } from '../../entities/conversations/turn-outcome-repository.ts';
import type { Exchange } from '../../domain/prompting/assemble-prompt.ts';

const exchangesRead = 50;

/** An attempt that owns its turn: nobody else can write to it until the next takeover. */
export type Attempt = TurnInput & { context: TurnContext; attempt: number; nextSeq: number; history: Exchange[] };

/** The attempt, or why there is none to make. */
export type BegunAttempt = { attempt: Attempt } | { over: 'completed' | 'failed' | 'cancelled' | 'gone' };

/**
 * Takes the turn over from whatever attempt had it. A client that has already seen text of an earlier attempt is told by
 * `reset` to drop it.
 */
export async function beginAttempt(em: EntityManager, input: TurnInput, runId: string): Promise<BegunAttempt> {
  const context = await lockTurn(em, input.turnId);
  if (!context) return { over: 'gone' };
  if (context.state === 'completed' || context.state === 'failed' || context.state === 'cancelled')
    return { over: context.state };
  if (context.cancel_requested) return { over: 'cancelled' };
  const attempt = context.attempt + 1;
  await takeOverTurn(em, { turnId: input.turnId, attempt, runId });
  const first = context.last_seq === 0;
  await appendEventsUnderLock(em, { ...input, attempt }, [
    first ? { kind: 'turn_started', data: { attempt } } : { kind: 'reset', data: { attempt } },
  ]);
  const history = await readHistory(em, context.conversation_id, context.question_sequence, exchangesRead);
  return { attempt: { ...input, context, attempt, nextSeq: context.last_seq + 2, history } };
}
