import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A person of a workspace, known by the caller's own `externalId`; made on first sight. */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    externalId: p.string().length(255),
    displayName: p.text().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [
    { name: 'users_workspace_id_external_id_key', properties: ['workspaceId', 'externalId'] },
    { name: 'users_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  checks: [{ name: 'users_external_id_check', expression: `(external_id)::text <> ''::text` }],
  policies: workspacePolicies,
});

export type User = InferEntity<typeof User>;
