import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A page of a source that a sync has listed or has yet to list; the cursor is the adapter's own, null at the start. */
export const SourceCursor = defineEntity({
  name: 'SourceCursor',
  tableName: 'source_cursors',
  properties: {
    syncId: p.uuid().primary(),
    cursorHash: p.blob().primary(),
    workspaceId: p.uuid(),
    cursor: p.text().nullable(),
    isDone: p.boolean().default(false),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
  },
  indexes: [
    { name: 'source_cursors_sync_id_idx', properties: ['workspaceId', 'syncId'] },
    { name: 'source_cursors_waiting_idx', properties: ['syncId', 'createdAt', 'cursorHash'], where: 'NOT is_done' },
  ],
  policies: workspacePolicies,
});

export type SourceCursor = InferEntity<typeof SourceCursor>;
