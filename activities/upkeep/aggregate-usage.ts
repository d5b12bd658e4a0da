import { Context } from '@temporalio/activity';
import { listWorkspacesWithUsage, sumUpUsage } from '../../entities/usage/usage-total-repository.ts';
import type { Database } from '../../platform/database.ts';
import { withReport } from './with-report.ts';

/** What one run has summed up. */
export type AggregatedUsage = { workspaces: number; hours: number; rows: number; mended: number };

/**
 * Sums usage up by hour and day, one workspace a transaction. Running it twice, or on two workers at once, changes nothing
 * more: sums are made from the single rows anew, never added to.
 */
export function createAggregateUsage(deps: { database: Database }): () => Promise<AggregatedUsage> {
  return async function aggregateUsage() {
    return withReport(deps, { task: 'aggregate-usage' }, async () => {
      const context = Context.current();
      const workspaces = await deps.database.asOperator(listWorkspacesWithUsage);
      const sum = { hours: 0, rows: 0, mended: 0 };
      for (const workspaceId of workspaces) {
        context.cancellationSignal.throwIfAborted();
        if (!context.info.isLocal) context.heartbeat();
        const done = await deps.database.asOperator((em) => sumUpUsage(em, workspaceId));
        sum.hours += done.hours;
        sum.rows += done.rows;
        sum.mended += done.mended;
      }
      return {
        result: { workspaces: workspaces.length, ...sum },
        finding: {
          saw: { workspaces: workspaces.length, changed_hours: sum.hours, differing_hours: sum.mended },
          decided: sum.hours === 0 ? 'nothing' : 'sum_up',
          reason:
            sum.hours === 0
              ? 'No call began or was settled since the last run.'
              : 'Calls began or were settled in these hours since the last run.',
          did: sum.hours === 0 ? {} : { hours: sum.hours, rows: sum.rows },
        },
      };
    });
  };
}
