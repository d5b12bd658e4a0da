import type { EvaluateInput, EvaluateResult } from '../../contracts/names/workflows.ts';
import { endRun, type RunEnd } from '../../entities/evaluations/evaluation-repository.ts';
import { readVariantTotals } from '../../entities/evaluations/evaluation-score-repository.ts';
import type { EvaluationDeps } from './evaluation-deps.ts';
import { aggregatesOf, reportRun } from './report-run.ts';
import { runEvaluationStep } from './run-evaluation-step.ts';

/** Measures a run whose items have all ended, compares it with its baseline and writes the verdict. Again it changes nothing. */
export function createFinishEvaluation(deps: EvaluationDeps): (input: EvaluateInput) => Promise<EvaluateResult> {
  return async function finishEvaluation({ workspaceId, evaluationId }) {
    return runEvaluationStep(async () => {
      const key = { workspaceId, evaluationId };
      const report = await reportRun(deps.database, key, { baselineId: null, withCases: false });
      if (report === null) return { state: 'gone', verdict: null };
      const { verdict, variants } = report;
      const ended = await deps.database.inWorkspace(workspaceId, async (em) => {
        const totals = await readVariantTotals(em, key);
        const results = totals.map((total) => ({ name: variants[total.variant]?.name ?? '', ...total }));
        const end: RunEnd = {
          status: 'completed',
          verdict,
          reasons: [...report.gates],
          results,
          metrics: aggregatesOf(report),
        };
        return endRun(em, key, end);
      });
      deps.notifyEvaluation(evaluationId);
      return ended ? { state: 'completed', verdict } : { state: 'gone', verdict: null };
    });
  };
}

/** Why a run ends without a verdict of its own. */
export type RunStop = { status: 'failed' | 'cancelled'; error: { code: string; detail: string } };

/** Ends a run that cannot go on, or is not to; what was measured stays. */
export function createStopEvaluation(
  deps: EvaluationDeps,
): (input: EvaluateInput, stop: RunStop) => Promise<EvaluateResult> {
  return async function stopEvaluation({ workspaceId, evaluationId }, stop) {
    return runEvaluationStep(async () => {
      const ended = await deps.database.inWorkspace(workspaceId, (em) =>
        endRun(em, { workspaceId, evaluationId }, stop),
      );
      deps.notifyEvaluation(evaluationId);
      return { state: ended ? stop.status : 'gone', verdict: stop.status === 'failed' && ended ? 'incomplete' : null };
    });
  };
}
