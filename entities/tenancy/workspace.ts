import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspaceOwnPolicies } from '../workspace-policies.ts';

/** A tenant: everything else belongs to exactly one. */
export const Workspace = defineEntity({
  name: 'Workspace',
  tableName: 'workspaces',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    settings: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [{ name: 'workspaces_name_key', properties: ['name'] }],
  checks: [{ name: 'workspaces_name_check', expression: `name <> ''::text` }],
  policies: workspaceOwnPolicies,
});

export type Workspace = InferEntity<typeof Workspace>;
