import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A call of another service's API, or something built in, that an agent may use; its credentials are sealed. */
export const Tool = defineEntity({
  name: 'Tool',
  tableName: 'tools',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    description: p.text().default(''),
    type: p.enum(['api', 'builtin']),
    version: p.integer().default(1),
    configuration: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    parameters: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    credentials: p.text().nullable(),
    effect: p.enum(['read', 'write']),
    idempotent: p.boolean().default(false),
    approval: p.json<Record<string, unknown>>().defaultRaw(`'{"mode": "never"}'`),
    timeoutMs: p.integer().default(30_000),
    maxResultBytes: p.integer().default(16_384),
    isActive: p.boolean().default(true),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'tools_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'tools_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  checks: [
    { name: 'tools_approval_check', expression: `jsonb_typeof(approval) = 'object'::text` },
    { name: 'tools_configuration_check', expression: `jsonb_typeof(configuration) = 'object'::text` },
    { name: 'tools_credentials_check', expression: `credentials ~~ 'sealed:%'::text` },
    {
      name: 'tools_max_result_bytes_check',
      expression: '(max_result_bytes >= 256) AND (max_result_bytes <= 1048576)',
    },
    { name: 'tools_name_check', expression: `name <> ''::text` },
    { name: 'tools_parameters_check', expression: `jsonb_typeof(parameters) = 'object'::text` },
    { name: 'tools_timeout_ms_check', expression: '(timeout_ms >= 100) AND (timeout_ms <= 600000)' },
    { name: 'tools_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type Tool = InferEntity<typeof Tool>;
