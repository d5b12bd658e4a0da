import {
  isCancellation,
  patched,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import { reportLooksOptions } from './activity-options.ts';

const { sweepTurns, sweepAcceptedDocuments, sweepSyncs, sweepMoves, sweepEvaluations, sweepBudgets, sweepDeliveries } =
  proxyLocalActivities<ReturnType<typeof createUpkeepActivities>>({
    startToCloseTimeout: '20 seconds',
    retry: { maximumAttempts: 1 },
  });
const { reportLooks } = proxyLocalActivities<ReturnType<typeof createUpkeepActivities>>(reportLooksOptions);

// Shorter than the run's time-out, also when a worker was away for a while.
const mostLooksForMs = 280_000;
const endsBeforeMs = 15_000;
const sweeps = [
  { sweep: sweepTurns, what: 'turns', summary: 'Hand accepted turns to their conversations' },
  { sweep: sweepAcceptedDocuments, what: 'documents', summary: 'Start the ingestion of accepted documents' },
];
const withSyncs = [
  ...sweeps,
  { sweep: sweepSyncs, what: 'syncs', summary: 'Bring syncs and schedules of sources to Temporal' },
];
const withMoves = [
  ...withSyncs,
  { sweep: sweepMoves, what: 'moves', summary: 'Start moves to another embedding model' },
];
const withEvaluations = [
  ...withMoves,
  { sweep: sweepEvaluations, what: 'evaluations', summary: 'Start evaluations, keep histories of ended ones' },
];
const withWebhooks = [
  ...withEvaluations,
  { sweep: sweepBudgets, what: 'budgets', summary: 'Sum up budgets' },
  { sweep: sweepDeliveries, what: 'deliveries', summary: 'Tell webhooks what happened' },
];

/**
 * Closes the gap between a committed row and its workflow. A schedule starts one of these every five minutes; it looks every
 * five seconds, which as runs of a schedule would be sixty times the histories. A look that fails is repeated by the next.
 */
export async function sweepAccepted(): Promise<{ swept: number }> {
  const timeOutMs = workflowInfo().executionTimeoutMs ?? Number.POSITIVE_INFINITY;
  const end = Date.now() + Math.min(mostLooksForMs, Math.max(timeOutMs - endsBeforeMs, timeOutMs / 2));
  const did: Record<string, number> = {};
  let swept = 0;
  let looks = 0;
  let failedLooks = 0;
  for (let look = 1; Date.now() < end; look += 1) {
    looks = look;
    if (look > 1) await sleep('5 seconds', { summary: 'Until the next look' });
    const known = patched('sweep-webhooks')
      ? withWebhooks
      : patched('sweep-evaluations')
        ? withEvaluations
        : patched('sweep-moves')
          ? withMoves
          : patched('sweep-syncs')
            ? withSyncs
            : sweeps;
    let isWhole = true;
    for (const { sweep, what, summary } of known) {
      try {
        const found = (await sweep.executeWithOptions({ summary }, [])).swept;
        did[what] = (did[what] ?? 0) + found;
        swept += found;
      } catch (error) {
        // A local activity's failure comes as it is, not as an ActivityFailure.
        if (isCancellation(error)) throw error;
        isWhole = false;
      }
    }
    if (!isWhole) failedLooks += 1;
    setCurrentDetails(`${swept} started in ${look} looks`);
  }
  if (patched('report-looks')) {
    try {
      await reportLooks({ task: 'sweep-accepted', looks, failedLooks, did });
    } catch (error) {
      // What was done does not depend on its report.
      if (isCancellation(error)) throw error;
    }
  }
  return { swept };
}
