import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { RetainedData } from '../activities/upkeep/retain-data.ts';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import type { RetainDataInput } from '../contracts/names/workflows.ts';
import { upkeepOptions, withinRun } from './activity-options.ts';

/** Drops what is older than the policy keeps it; a dry run says what that would be. */
export async function retainData(input: RetainDataInput = { dryRun: false }): Promise<RetainedData> {
  const { retainData: retain } = proxyActivities<ReturnType<typeof createUpkeepActivities>>({
    ...withinRun(upkeepOptions),
    summary: 'Drop what is older than it is kept',
  });
  const retained = await retain(input);
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0);
  setCurrentDetails(`${sum(retained.expired)} things were too old, ${sum(retained.dropped)} of them were dropped`);
  return retained;
}
