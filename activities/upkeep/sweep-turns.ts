import { findStrayTurns, noteSwept, type StrayTurn } from '../../entities/conversations/turn-sweep-repository.ts';
import type { Database } from '../../platform/database.ts';

const sweptAtOnce = 200;

/** What the sweep is made with; both calls are harmless when the turn is already known to its workflow. */
export type SweepTurnsDeps = {
  database: Database;
  submitTurn(turn: StrayTurn): Promise<void>;
  cancelTurn(turn: StrayTurn): Promise<void>;
};

/**
 * Brings turns to their conversation's workflow whose request died before it could, and cancels that were noted but never
 * sent; returns how many. Running it twice, or beside a request, changes nothing: the workflow knows its turns.
 */
export function createSweepTurns(deps: SweepTurnsDeps): () => Promise<{ swept: number }> {
  return async function sweepTurns() {
    const turns = await deps.database.asOperator((em) => findStrayTurns(em, sweptAtOnce));
    // In order, because turns of one conversation are served in the order in which they arrive.
    for (const turn of turns) {
      await deps.submitTurn(turn);
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
