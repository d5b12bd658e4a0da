import { ActivityFailure, patched, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import { sweepOrphansOptions } from './activity-options.ts';

const { sweepOrphans: sweep, sweepIndexes } =
  proxyActivities<ReturnType<typeof createUpkeepActivities>>(sweepOrphansOptions);

/**
 * Clears up after steps that died for good, and after workflows that were terminated before they could; then starts the
 * building of indexes of vectors that are not as they should be.
 */
export async function sweepOrphans(): Promise<Awaited<ReturnType<typeof sweep>>> {
  const cleared = await sweep();
  setCurrentDetails(
    `Cleared ${cleared.generations} generations, ${cleared.blobs} parts of files, ${cleared.vectors} vectors, ${cleared.claims} claims`,
  );
  if (patched('sweep-indexes')) {
    try {
      await sweepIndexes();
    } catch (error) {
      // The next run looks again.
      if (!(error instanceof ActivityFailure)) throw error;
    }
  }
  return cleared;
}
