import { ActivityFailure, isCancellation, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { createMemoryActivities } from '../activities/memory/create-memory-activities.ts';
import type { CondensedMemories } from '../contracts/names/workflows.ts';
import { condenseMemoryOptions, lookOverMemoriesOptions } from './memory-options.ts';

type Steps = ReturnType<typeof createMemoryActivities>;

const { listFullMemories } = proxyActivities<Steps>(lookOverMemoriesOptions);
const { condenseMemory } = proxyActivities<Steps>(condenseMemoryOptions);

/** Shortens the memories that are over their cap, one after the other; one that fails is left to the next run. */
export async function condenseMemories(): Promise<CondensedMemories> {
  const full = await listFullMemories.executeWithOptions({ summary: 'Look for memories over their cap' }, []);
  const done: CondensedMemories = { condensed: 0, cut: 0, left: 0, failed: 0 };
  for (const [place, memory] of full.entries()) {
    try {
      const summary = `Condense memory ${place + 1} of ${full.length}`;
      const { state } = await condenseMemory.executeWithOptions({ summary }, [memory]);
      done[state] += 1;
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      done.failed += 1;
    }
    setCurrentDetails(`${done.condensed} condensed, ${done.cut} cut, ${done.left} left, ${done.failed} failed`);
  }
  return done;
}
