import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import { checkInvariantsOptions } from './activity-options.ts';

const { checkInvariants: check } = proxyActivities<ReturnType<typeof createUpkeepActivities>>(checkInvariantsOptions);

/** Checks the invariants of everything that is stored, and raises an alert where one is broken. */
export async function checkInvariants(): Promise<Awaited<ReturnType<typeof check>>> {
  const verdict = await check();
  setCurrentDetails(`${verdict.breaches} breaches, of which ${verdict.fresh} are new`);
  return verdict;
}
