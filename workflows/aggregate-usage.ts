import { proxyActivities, proxyLocalActivities, setCurrentDetails } from '@temporalio/workflow';
import type { AggregatedUsage } from '../activities/upkeep/aggregate-usage.ts';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import { shortUpkeepOptions, upkeepOptions } from './activity-options.ts';
import { isShortRun } from './is-short-run.ts';

type Steps = ReturnType<typeof createUpkeepActivities>;

const summary = 'Sum usage up';
const { aggregateUsage: sumUp } = proxyActivities<Steps>({ ...upkeepOptions, summary });
const { aggregateUsage: sumUpAtOnce } = proxyLocalActivities<Steps>({ ...shortUpkeepOptions, summary });

/** Sums usage up by hour and day, from where the last run has ended. */
export async function aggregateUsage(): Promise<AggregatedUsage> {
  const summed = isShortRun() ? await sumUpAtOnce() : await sumUp();
  setCurrentDetails(`${summed.hours} hours of ${summed.workspaces} workspaces, ${summed.mended} of them mended`);
  return summed;
}
