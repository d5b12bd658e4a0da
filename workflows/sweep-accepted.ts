import { ActivityFailure, proxyLocalActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';

const { sweepTurns, sweepAcceptedDocuments } = proxyLocalActivities<ReturnType<typeof createUpkeepActivities>>({
  startToCloseTimeout: '20 seconds',
  retry: { maximumAttempts: 1 },
});

const rounds = 10;
const sweeps = [
  { sweep: sweepTurns, summary: 'Hand accepted turns to their conversations' },
  { sweep: sweepAcceptedDocuments, summary: 'Start the ingestion of accepted documents' },
];

/**
 * Closes the gap between a committed row and its workflow. A schedule starts one of these a minute; it looks every five
 * seconds, which as runs of a schedule would be twelve times the histories. A look that fails is repeated by the next.
 */
export async function sweepAccepted(): Promise<{ swept: number }> {
  let swept = 0;
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0) await sleep('5 seconds', { summary: 'Until the next look' });
    for (const { sweep, summary } of sweeps) {
      try {
        swept += (await sweep.executeWithOptions({ summary }, [])).swept;
      } catch (error) {
        if (!(error instanceof ActivityFailure)) throw error;
      }
    }
    setCurrentDetails(`${swept} started in ${round + 1} looks`);
  }
  return { swept };
}
