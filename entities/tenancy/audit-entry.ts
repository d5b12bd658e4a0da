import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** Who did what to which entity. */
export const AuditEntry = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_log',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    actor: p.text(),
    action: p.text(),
    entityType: p.text(),
    entityId: p.uuid().nullable(),
    detail: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    createdAt: createdAt(),
  },
  indexes: [
    {
      name: 'audit_log_workspace_id_created_at_idx',
      properties: ['workspaceId', 'createdAt'],
      columns: [{ name: 'workspaceId' }, { name: 'createdAt', sort: 'DESC' }],
    },
  ],
  policies: workspacePolicies,
});

export type AuditEntry = InferEntity<typeof AuditEntry>;
