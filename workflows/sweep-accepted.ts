import { isCancellation, patched, proxyLocalActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';

const { sweepTurns, sweepAcceptedDocuments, sweepSyncs, sweepMoves, sweepEvaluations } = proxyLocalActivities<
  ReturnType<typeof createUpkeepActivities>
>({
  startToCloseTimeout: '20 seconds',
  retry: { maximumAttempts: 1 },
});

// Shorter than the schedule's interval and the run's time-out, also when a worker was away for a while.
const looksForMs = 280_000;
const sweeps = [
  { sweep: sweepTurns, summary: 'Hand accepted turns to their conversations' },
  { sweep: sweepAcceptedDocuments, summary: 'Start the ingestion of accepted documents' },
];
const withSyncs = [...sweeps, { sweep: sweepSyncs, summary: 'Bring syncs and schedules of sources to Temporal' }];
const withMoves = [...withSyncs, { sweep: sweepMoves, summary: 'Start moves to another embedding model' }];
const withEvaluations = [
  ...withMoves,
  { sweep: sweepEvaluations, summary: 'Start evaluations, keep histories of ended ones' },
];

/**
 * Closes the gap between a committed row and its workflow. A schedule starts one of these every five minutes; it looks every
 * five seconds, which as runs of a schedule would be sixty times the histories. A look that fails is repeated by the next.
 */
export async function sweepAccepted(): Promise<{ swept: number }> {
  const end = Date.now() + looksForMs;
  let swept = 0;
  for (let look = 1; Date.now() < end; look += 1) {
    if (look > 1) await sleep('5 seconds', { summary: 'Until the next look' });
    const known = patched('sweep-evaluations')
      ? withEvaluations
      : patched('sweep-moves')
        ? withMoves
        : patched('sweep-syncs')
          ? withSyncs
          : sweeps;
    for (const { sweep, summary } of known) {
      try {
        swept += (await sweep.executeWithOptions({ summary }, [])).swept;
      } catch (error) {
        // A local activity's failure comes as it is, not as an ActivityFailure.
        if (isCancellation(error)) throw error;
      }
    }
    setCurrentDetails(`${swept} started in ${look} looks`);
  }
  return { swept };
}
