import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import { upkeepOptions } from './activity-options.ts';

const { aggregateUsage: sumUp } = proxyActivities<ReturnType<typeof createUpkeepActivities>>({
  ...upkeepOptions,
  summary: 'Sum usage up',
});

/** Sums usage up by hour and day, from where the last run has ended. */
export async function aggregateUsage(): Promise<Awaited<ReturnType<typeof sumUp>>> {
  const summed = await sumUp();
  setCurrentDetails(`${summed.hours} hours of ${summed.workspaces} workspaces, ${summed.mended} of them mended`);
  return summed;
}
