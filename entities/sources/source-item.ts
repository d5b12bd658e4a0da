import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What a source holds at a path, as the run that last listed it found it: the manifest that the next run compares with. */
export const SourceItem = defineEntity({
  name: 'SourceItem',
  tableName: 'source_items',
  properties: {
    workspaceId: p.uuid().primary(),
    knowledgeSourceId: p.uuid().primary(),
    path: p.text().primary(),
    syncId: p.uuid(),
    state: p.enum(['pending', 'unchanged', 'accepted', 'failed', 'excluded']),
    version: p.text().nullable(),
    acceptedVersion: p.text().nullable(),
    settingsHash: p.blob().nullable(),
    documentId: p.uuid().nullable(),
    description: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    memory: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  indexes: [
    { name: 'source_items_document_id_idx', properties: ['workspaceId', 'documentId'] },
    { name: 'source_items_pending_idx', properties: ['syncId', 'path'], where: "state = 'pending'::text" },
  ],
  policies: workspacePolicies,
});

export type SourceItem = InferEntity<typeof SourceItem>;
