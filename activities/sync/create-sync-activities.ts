import { createFetchItems } from './fetch-items.ts';
import {
  createBeginSync,
  createCancelDocuments,
  createCountUnsettled,
  createFinishSync,
  createPlanRemovals,
  createRemoveMissing,
} from './finish-sync.ts';
import { createCheckSource } from './check-source.ts';
import { createListPages } from './list-page.ts';
import { createRequestScheduledSync } from './request-scheduled-sync.ts';
import type { SyncDeps } from './sync-deps.ts';

/** The steps of bringing a source up to date. */
export function createSyncActivities(deps: SyncDeps) {
  return {
    beginSync: createBeginSync(deps),
    listPages: createListPages(deps),
    fetchItems: createFetchItems(deps),
    countUnsettled: createCountUnsettled(deps),
    planRemovals: createPlanRemovals(deps),
    removeMissing: createRemoveMissing(deps),
    cancelDocuments: createCancelDocuments(deps),
    requestScheduledSync: createRequestScheduledSync(deps),
    checkSource: createCheckSource(deps),
    finishSync: createFinishSync(deps),
  };
}
