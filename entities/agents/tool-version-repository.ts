import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** What a version says of a tool: everything but its credentials. */
export type StoredToolSnapshot = {
  name: string;
  description: string;
  type: 'api' | 'builtin';
  configuration: Record<string, unknown>;
  parameters: Record<string, unknown>;
  has_credentials: boolean;
  effect: 'read' | 'write';
  idempotent: boolean;
  approval: Record<string, unknown>;
  timeout_ms: number;
  max_result_bytes: number;
  is_active: boolean;
};

/** Keeps a tool, as its row now stands, under its current version. */
export async function keepToolVersion(em: EntityManager, toolId: string): Promise<void> {
  await query(
    em,
    `insert into tool_versions (tool_id, version, workspace_id, snapshot)
     select t.id, t.version, t.workspace_id, jsonb_build_object(
       'name', t.name, 'description', t.description, 'type', t.type, 'configuration', t.configuration,
       'parameters', t.parameters, 'has_credentials', t.credentials is not null, 'effect', t.effect,
       'idempotent', t.idempotent, 'approval', t.approval, 'timeout_ms', t.timeout_ms,
       'max_result_bytes', t.max_result_bytes, 'is_active', t.is_active)
     from tools t where t.id = $1`,
    [toolId],
  );
}

/** Waits for whoever else changes the tool, so that of two changes at once each has a version of its own. */
export async function lockTool(em: EntityManager, toolId: string): Promise<void> {
  await query(em, `select 1 from tools where id = $1 for update`, [toolId]);
}
