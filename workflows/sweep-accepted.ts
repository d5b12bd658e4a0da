import { ActivityFailure, proxyLocalActivities, sleep } from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';

const { sweepTurns, sweepAcceptedDocuments } = proxyLocalActivities<ReturnType<typeof createUpkeepActivities>>({
  startToCloseTimeout: '20 seconds',
  retry: { maximumAttempts: 1 },
});

const rounds = 10;

/**
 * Closes the gap between a committed row and its workflow. A schedule starts one of these a minute; it looks every five
 * seconds, which as runs of a schedule would be twelve times the histories. A look that fails is repeated by the next.
 */
export async function sweepAccepted(): Promise<{ swept: number }> {
  let swept = 0;
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0) await sleep('5 seconds');
    for (const sweep of [sweepTurns, sweepAcceptedDocuments]) {
      try {
        swept += (await sweep()).swept;
      } catch (error) {
        if (!(error instanceof ActivityFailure)) throw error;
      }
    }
  }
  return { swept };
}
