import type { ExaminedIndex, MendedIndex } from '../../domain/vector-indexes/index-health.ts';
import { saveReport } from '../../entities/maintenance/maintenance-report-repository.ts';
import { currentRun } from '../upkeep/with-report.ts';
import type { MaintenanceDeps } from './maintenance-deps.ts';
import { runModelStep } from './run-model-step.ts';

/** Name of the task in reports about indexes of vectors; their subject is the index. */
export const vectorIndexTask = 'vector_index';

/** How the mending of an index ended: with what it did, or with the code and the message of its failure. */
export type IndexOutcome = { mended: MendedIndex } | { code: string; detail: string };

/** Ends the report of an examined index. */
export function createReportIndex(
  deps: Pick<MaintenanceDeps, 'database'>,
): (workspaceId: string, examined: ExaminedIndex, outcome: IndexOutcome) => Promise<void> {
  return async function reportIndex(workspaceId, { name, health, decision }, outcome) {
    await runModelStep(async () => {
      const finding = { workspaceId, subject: name, saw: health, decided: decision.action, reason: decision.reason };
      const startedAt = new Date();
      await deps.database.asOperator((em) =>
        saveReport(
          em,
          currentRun(),
          vectorIndexTask,
          'mended' in outcome
            ? { ...finding, did: outcome.mended, state: 'done', startedAt }
            : { ...finding, did: {}, state: 'failed', error: outcome, startedAt },
        ),
      );
    });
  };
}
