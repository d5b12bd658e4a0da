import type { z } from 'zod';
import { functionName } from '../../contracts/function-name.ts';
import { toolApprovalSchema, type toolSchema, type toolVersionSchema } from '../../contracts/tool.ts';
import type { VersionRow } from '../../entities/agents/version-repository.ts';
import type { Tool } from '../../entities/index.ts';
import { presentTime } from '../framework/present-time.ts';

/** Shows a tool; of its credentials only that there are some. */
export function presentTool(row: Tool): z.input<typeof toolSchema> {
  return {
    id: row.id,
    version: row.version,
    function_name: functionName(row.name),
    name: row.name,
    description: row.description,
    type: row.type,
    configuration: row.configuration,
    parameters: row.parameters,
    has_credentials: row.credentials != null,
    effect: row.effect,
    idempotent: row.idempotent,
    approval: toolApprovalSchema.parse(row.approval),
    timeout_ms: row.timeoutMs,
    max_result_bytes: row.maxResultBytes,
    is_active: row.isActive,
    created_at: presentTime(row.createdAt),
    updated_at: presentTime(row.updatedAt),
  };
}

/** Shows a version of a tool. */
export function presentToolVersion({
  version,
  snapshot,
  created_at: createdAt,
}: VersionRow<'tool'>): z.input<typeof toolVersionSchema> {
  return {
    version,
    name: snapshot.name,
    description: snapshot.description,
    type: snapshot.type,
    configuration: snapshot.configuration,
    parameters: snapshot.parameters,
    has_credentials: snapshot.has_credentials,
    effect: snapshot.effect,
    idempotent: snapshot.idempotent,
    approval: toolApprovalSchema.parse(snapshot.approval),
    timeout_ms: snapshot.timeout_ms,
    max_result_bytes: snapshot.max_result_bytes,
    is_active: snapshot.is_active,
    created_at: presentTime(createdAt),
  };
}
