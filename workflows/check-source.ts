import { proxyActivities } from '@temporalio/workflow';
import type { createSyncActivities } from '../activities/sync/create-sync-activities.ts';
import type { CheckSourceInput, CheckSourceResult } from '../contracts/names/workflows.ts';
import { checkSourceOptions } from './activity-options.ts';

const { checkSource: check } = proxyActivities<ReturnType<typeof createSyncActivities>>(checkSourceOptions);

/** Looks whether a source can be read, from where its syncs run. */
export async function checkSource(input: CheckSourceInput): Promise<CheckSourceResult> {
  return check(input);
}
