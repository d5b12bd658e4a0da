import { Context } from '@temporalio/activity';
import { deleteOrphans, type ClearedOrphans } from '../../entities/documents/orphan-repository.ts';
import { closeOpenCalls } from '../../entities/evaluations/open-call-repository.ts';
import { toFailure } from '../conversation/turn-failure.ts';
import { sweepLeftOvers, type SweepLeftOversDeps, type SweptLeftOvers } from './sweep-left-overs.ts';
import { withReport } from './with-report.ts';

// About a second of deletes, for which a step that ends a generation may have to wait.
const generationsAtOnce = 20;

/** What was cleared, and how many calls of evaluations that nobody waits for were closed. */
type SweptOrphans = ClearedOrphans & SweptLeftOvers & { calls: number };

/**
 * Deletes what died steps have left behind and what has expired, in small transactions, until nothing is left; returns, and
 * reports, how much it was.
 * Running it twice, or on two workers at once, is harmless.
 */
export function createSweepOrphans(deps: SweepLeftOversDeps): () => Promise<SweptOrphans> {
  async function sweep(): Promise<SweptOrphans> {
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
      return { ...sum, ...(await sweepLeftOvers(deps)), calls: await deps.database.asOperator(closeOpenCalls) };
    } catch (error) {
      if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
      throw toFailure(error);
    }
  }
  return async function sweepOrphans() {
    return withReport(deps, { task: 'sweep-orphans' }, async () => {
      const result = await sweep();
      const did = Object.fromEntries(Object.entries(result).filter(([, count]) => count > 0));
      const finding = { saw: did, decided: 'clear', reason: 'Nothing uses these rows any more.', did };
      return { result, finding: Object.keys(did).length === 0 ? null : finding };
    });
  };
}
