import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { createMemoryActivities } from '../activities/memory/create-memory-activities.ts';
import { lookOverMemoriesOptions } from './memory-options.ts';

const { sweepLessons } = proxyActivities<ReturnType<typeof createMemoryActivities>>(lookOverMemoriesOptions);

/** Starts learning from conversations that have come to rest; each has a workflow of its own. */
export async function learnMemories(): Promise<{ started: number }> {
  const { started } = await sweepLessons.executeWithOptions({ summary: 'Look for conversations at rest' }, []);
  setCurrentDetails(`${started} started`);
  return { started };
}
