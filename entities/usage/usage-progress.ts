import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** How far the usage of a workspace is summed up, and from when on its single rows are still there. */
export const UsageProgress = defineEntity({
  name: 'UsageProgress',
  tableName: 'usage_progress',
  properties: {
    workspaceId: p.uuid().primary(),
    countedTo: p.datetime(6),
    /** The rows before it were deleted, and the sums of their hours are final; null while none was. */
    rawFrom: p.datetime(6).nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  policies: workspacePolicies,
});

export type UsageProgress = InferEntity<typeof UsageProgress>;
