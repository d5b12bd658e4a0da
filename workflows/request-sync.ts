import { proxyLocalActivities, uuid4 } from '@temporalio/workflow';
import type { createSyncActivities } from '../activities/sync/create-sync-activities.ts';
import type { RequestSyncInput } from '../contracts/names/workflows.ts';
import { syncStepOptions } from './activity-options.ts';

type Steps = ReturnType<typeof createSyncActivities>;

const { requestScheduledSync } = proxyLocalActivities<Steps>(syncStepOptions);

/**
 * What a source's schedule starts: it asks for a sync and ends. The id is drawn here, so that a step that is repeated asks
 * for the same sync.
 */
export async function requestSync(
  input: RequestSyncInput,
): Promise<Awaited<ReturnType<Steps['requestScheduledSync']>>> {
  return requestScheduledSync(input, uuid4());
}
