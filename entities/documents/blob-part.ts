import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One part, of at most 1 MB, of the bytes that a generation was made from. */
export const BlobPart = defineEntity({
  name: 'BlobPart',
  tableName: 'blobs',
  properties: {
    documentId: p.uuid().primary(),
    generation: p.integer().primary(),
    part: p.integer().primary(),
    workspaceId: p.uuid(),
    bytes: p.blob(),
    createdAt: createdAt(),
  },
  checks: [
    { name: 'blobs_bytes_check', expression: 'octet_length(bytes) <= 1048576' },
    { name: 'blobs_part_check', expression: 'part >= 0' },
  ],
  policies: workspacePolicies,
});

export type BlobPart = InferEntity<typeof BlobPart>;
