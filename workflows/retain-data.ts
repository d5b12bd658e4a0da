import { proxyActivities, proxyLocalActivities, setCurrentDetails } from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import type { RetainedData } from '../activities/upkeep/retain-data.ts';
import type { RetainDataInput } from '../contracts/names/workflows.ts';
import { shortUpkeepOptions, upkeepOptions } from './activity-options.ts';
import { isShortRun } from './is-short-run.ts';

type Steps = ReturnType<typeof createUpkeepActivities>;

const summary = 'Drop what is older than it is kept';
const { retainData: retain } = proxyActivities<Steps>({ ...upkeepOptions, summary });
const { retainData: retainAtOnce } = proxyLocalActivities<Steps>({ ...shortUpkeepOptions, summary });

/** Drops what is older than the policy keeps it; a dry run says what that would be. */
export async function retainData(input: RetainDataInput = { dryRun: false }): Promise<RetainedData> {
  const retained = isShortRun() ? await retainAtOnce(input) : await retain(input);
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0);
  setCurrentDetails(`${sum(retained.expired)} things were too old, ${sum(retained.dropped)} of them were dropped`);
  return retained;
}
