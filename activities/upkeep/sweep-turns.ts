import { findStrayTurns, noteSwept, type StrayTurn } from '../../entities/conversations/turn-sweep-repository.ts';
import type { Database } from '../../platform/database.ts';

const sweptAtOnce = 200;

/** What the sweep is made with; all calls are harmless when the turn is already known to its workflow. */
export type SweepTurnsDeps = {
  database: Database;
  submitTurn(turn: StrayTurn): Promise<void>;
  cancelTurn(turn: StrayTurn): Promise<void>;
  decideCall(call: StrayTurn & { callId: string }): Promise<void>;
  conversationRuns(turn: StrayTurn): Promise<boolean>;
};

/**
 * Brings turns to their conversation's workflow whose request died before it could, and cancels and decisions that were
 * noted but never sent; returns how many. Running it twice, or beside a request, changes nothing: the workflow knows its
 * turns. A turn that waits for a person is left alone as long as its workflow is there.
 */
export function createSweepTurns(deps: SweepTurnsDeps): () => Promise<{ swept: number }> {
  return async function sweepTurns() {
    const turns = await deps.database.asOperator((em) => findStrayTurns(em, sweptAtOnce));
    // In order, because turns of one conversation are served in the order in which they arrive.
    for (const turn of turns) {
      if (turn.waits && !turn.cancel && (await deps.conversationRuns(turn))) continue;
      await deps.submitTurn(turn);
      for (const callId of turn.decided) await deps.decideCall({ ...turn, callId });
      if (turn.cancel) await deps.cancelTurn(turn);
    }
    if (turns.length > 0)
      await deps.database.asOperator((em) =>
        noteSwept(
          em,
          turns.map((turn) => turn.turnId),
        ),
      );
    return { swept: turns.length };
  };
}
