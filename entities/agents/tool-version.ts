import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A tool as it stood in one version, without its credentials. */
export const ToolVersion = defineEntity({
  name: 'ToolVersion',
  tableName: 'tool_versions',
  properties: {
    toolId: p.uuid().primary(),
    version: p.integer().primary(),
    workspaceId: p.uuid(),
    snapshot: p.json<Record<string, unknown>>(),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'tool_versions_tool_idx', properties: ['workspaceId', 'toolId'] }],
  checks: [
    { name: 'tool_versions_snapshot_check', expression: `jsonb_typeof(snapshot) = 'object'::text` },
    { name: 'tool_versions_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type ToolVersion = InferEntity<typeof ToolVersion>;
