import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';
import type { ToolCallState } from './tool-call-state.ts';

const states: ToolCallState[] = [
  'invalid', 'proposed', 'approved', 'denied', 'expired', 'executing', 'succeeded', 'failed', 'needs_review', 'cancelled',
]; // prettier-ignore

/** A call of a tool that a model has asked for, and what became of it: the ledger of effects. */
export const ToolCall = defineEntity({
  name: 'ToolCall',
  tableName: 'tool_calls',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    conversationId: p.uuid(),
    turnId: p.uuid(),
    step: p.integer(),
    position: p.integer(),
    providerCallId: p.text(),
    toolType: p.enum(['rag_tool', 'retrieval_tool', 'tool', 'builtin']).nullable(),
    toolId: p.uuid().nullable(),
    toolName: p.text(),
    toolVersion: p.integer().nullable(),
    effect: p.enum(['read', 'write']),
    idempotent: p.boolean(),
    timeoutMs: p.integer(),
    maxResultBytes: p.integer(),
    arguments: p.json<Record<string, unknown>>().nullable(),
    argumentsHash: p.text(),
    state: p.enum(states),
    attempts: p.integer().default(0),
    result: p.text().nullable(),
    resultBytes: p.integer().nullable(),
    truncated: p.boolean().default(false),
    error: p.json<{ code: string; detail: string }>().nullable(),
    passages: p.json<unknown[]>().defaultRaw(`'[]'`),
    settledBy: p.text().nullable(),
    settledAt: p.datetime(6).nullable(),
    settlement: p.enum(['confirmed_succeeded', 'confirmed_failed', 'run_again']).nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: p.datetime(6).nullable(),
    finishedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'tool_calls_turn_id_step_position_key', properties: ['turnId', 'step', 'position'] },
    { name: 'tool_calls_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [
    { name: 'tool_calls_conversation_id_idx', properties: ['workspaceId', 'conversationId', 'createdAt'] },
    {
      name: 'tool_calls_open_idx',
      properties: ['updatedAt'],
      where: "state = ANY (ARRAY['proposed'::text, 'approved'::text, 'executing'::text, 'needs_review'::text])",
    },
  ],
  checks: [
    { name: 'tool_calls_attempts_check', expression: 'attempts >= 0' },
    {
      name: 'tool_calls_check',
      expression: `(state <> ALL (ARRAY['invalid'::text, 'failed'::text, 'needs_review'::text])) OR (error IS NOT NULL)`,
    },
    {
      name: 'tool_calls_check1',
      expression: `(state = ANY (ARRAY['invalid'::text, 'denied'::text, 'expired'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])) = (finished_at IS NOT NULL)`,
    },
    { name: 'tool_calls_check2', expression: '(settlement IS NULL) = (settled_at IS NULL)' },
    { name: 'tool_calls_max_result_bytes_check', expression: 'max_result_bytes > 0' },
    { name: 'tool_calls_passages_check', expression: `jsonb_typeof(passages) = 'array'::text` },
    { name: 'tool_calls_position_check', expression: '"position" >= 0' },
    { name: 'tool_calls_result_bytes_check', expression: 'result_bytes >= 0' },
    { name: 'tool_calls_step_check', expression: 'step >= 0' },
    { name: 'tool_calls_timeout_ms_check', expression: 'timeout_ms > 0' },
    { name: 'tool_calls_tool_version_check', expression: 'tool_version > 0' },
  ],
  policies: workspacePolicies,
});

export type ToolCall = InferEntity<typeof ToolCall>;
