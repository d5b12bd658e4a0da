import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { AggregatedUsage } from '../activities/upkeep/aggregate-usage.ts';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import { upkeepOptions, withinRun } from './activity-options.ts';

/** Sums usage up by hour and day, from where the last run has ended. */
export async function aggregateUsage(): Promise<AggregatedUsage> {
  const { aggregateUsage: sumUp } = proxyActivities<ReturnType<typeof createUpkeepActivities>>({
    ...withinRun(upkeepOptions),
    summary: 'Sum usage up',
  });
  const summed = await sumUp();
  setCurrentDetails(`${summed.hours} hours of ${summed.workspaces} workspaces, ${summed.mended} of them mended`);
  return summed;
}
