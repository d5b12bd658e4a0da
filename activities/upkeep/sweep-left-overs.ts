import { Context } from '@temporalio/activity';
import { deleteLeftOvers, type ClearedLeftOvers } from '../../entities/maintenance/left-over-repository.ts';
import { endSilentReport, findSilentReports } from '../../entities/maintenance/maintenance-report-repository.ts';
import type { Database } from '../../platform/database.ts';
import type { WorkflowStates } from '../invariants/breach.ts';

/** What clearing up left-overs is made with. */
export type SweepLeftOversDeps = { database: Database; workflows: WorkflowStates };

const rowsAtOnce = 500;
const reportsAtOnce = 50;

/** What was cleared, and how many reports were ended whose run had died. */
export type SweptLeftOvers = ClearedLeftOvers & { reports: number };

/**
 * Deletes what nothing will use again, in small transactions until nothing is left, and ends the reports of runs that died.
 * Running it twice, or on two workers at once, is harmless.
 */
export async function sweepLeftOvers({ database, workflows }: SweepLeftOversDeps): Promise<SweptLeftOvers> {
  const context = Context.current();
  const sum: SweptLeftOvers = { idempotencyKeys: 0, heldConversations: 0, paces: 0, modelStates: 0, reports: 0 };
  for (;;) {
    context.cancellationSignal.throwIfAborted();
    context.heartbeat();
    const cleared = await database.asOperator((em) => deleteLeftOvers(em, rowsAtOnce));
    sum.idempotencyKeys += cleared.idempotencyKeys;
    sum.heldConversations += cleared.heldConversations;
    sum.paces += cleared.paces;
    sum.modelStates += cleared.modelStates;
    if (Object.values(cleared).every((count) => count < rowsAtOnce)) break;
  }
  for (const { id, workflowId, runId } of await database.asOperator((em) => findSilentReports(em, reportsAtOnce))) {
    context.heartbeat();
    if ((await workflows.stateOf(workflowId, runId)) === 'running') continue;
    await database.asOperator((em) => endSilentReport(em, id));
    sum.reports += 1;
  }
  return sum;
}
