import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** An agent's whole configuration as it was with one version. */
export const AgentVersion = defineEntity({
  name: 'AgentVersion',
  tableName: 'agent_versions',
  properties: {
    agentId: p.uuid().primary(),
    version: p.integer().primary(),
    workspaceId: p.uuid(),
    snapshot: p.json<Record<string, unknown>>(),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'agent_versions_agent_idx', properties: ['workspaceId', 'agentId'] }],
  checks: [
    { name: 'agent_versions_snapshot_check', expression: `jsonb_typeof(snapshot) = 'object'::text` },
    { name: 'agent_versions_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type AgentVersion = InferEntity<typeof AgentVersion>;
