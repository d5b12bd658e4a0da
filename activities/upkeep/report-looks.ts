import type { Database } from '../../platform/database.ts';
import { withReport } from './with-report.ts';

/** What the looks of a run came to: how much they did by kind, how many there were, and how many failed. */
export type LookedAfter = { task: string; looks: number; failedLooks: number; did: Record<string, number> };

/**
 * Reports on a run that looked again and again. A run that found nothing to do, and whose looks all succeeded, is not worth
 * a row.
 */
export function createReportLooks(deps: { database: Database }): (looked: LookedAfter) => Promise<void> {
  return async function reportLooks({ task, looks, failedLooks, did }) {
    const done = Object.entries(did).filter(([, count]) => count > 0);
    await withReport(deps, { task }, async () => ({
      result: undefined,
      finding:
        done.length === 0 && failedLooks === 0
          ? null
          : {
              saw: { looks, failed_looks: failedLooks },
              decided: done.length === 0 ? 'nothing' : 'mend',
              reason:
                failedLooks === 0
                  ? 'What was found was done at once.'
                  : `${failedLooks} of ${looks} looks failed and were repeated by the next; the worker's log says why.`,
              did: Object.fromEntries(done),
            },
    }));
  };
}
