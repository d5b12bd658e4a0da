import { Context } from '@temporalio/activity';
import { deleteOrphans, type ClearedOrphans } from '../../entities/documents/orphan-repository.ts';
import { closeOpenCalls } from '../../entities/evaluations/open-call-repository.ts';
import type { Database } from '../../platform/database.ts';
import { toFailure } from '../conversation/turn-failure.ts';

// About a second of deletes, for which a step that ends a generation may have to wait.
const generationsAtOnce = 20;

/** What was cleared, and how many calls of evaluations that nobody waits for were closed. */
type SweptOrphans = ClearedOrphans & { calls: number };

/**
 * Deletes what died steps have left behind, in small transactions, until nothing is left; returns how much it was.
 * Running it twice, or on two workers at once, is harmless.
 */
export function createSweepOrphans(deps: { database: Database }): () => Promise<SweptOrphans> {
  return async function sweepOrphans() {
    const context = Context.current();
    const sum: ClearedOrphans = { generations: 0, blobs: 0, vectors: 0, claims: 0 };
    try {
      for (;;) {
        context.cancellationSignal.throwIfAborted();
        context.heartbeat();
        const cleared = await deps.database.asOperator((em) => deleteOrphans(em, generationsAtOnce));
        sum.generations += cleared.generations;
        sum.blobs += cleared.blobs;
        sum.vectors += cleared.vectors;
        sum.claims += cleared.claims;
        if (cleared.generations < generationsAtOnce) break;
      }
      return { ...sum, calls: await deps.database.asOperator(closeOpenCalls) };
    } catch (error) {
      if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
      throw toFailure(error);
    }
  };
}
