import type { ToolCall } from '../../contracts/tool-call.ts';
import type { ToolCallView } from '../../entities/conversations/tool-call-view-repository.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

/** A call of a tool as the API shows it. */
export function presentToolCall(row: ToolCallView): ToolCall {
  return {
    id: row.id,
    conversation_id: row.conversation_id,
    turn_id: row.turn_id,
    step: row.step,
    position: row.position,
    tool: { type: row.tool_type, id: row.tool_id, name: row.tool_name, version: row.tool_version },
    effect: row.effect,
    idempotent: row.idempotent,
    arguments: row.arguments,
    arguments_hash: row.arguments_hash,
    state: row.state,
    attempts: row.attempts,
    result: row.result,
    result_bytes: row.result_bytes,
    truncated: row.truncated,
    error: row.error && { code: row.error.code, detail: row.error.detail },
    approval: presentApproval(row),
    settlement: row.settlement,
    settled_by: row.settled_by,
    settled_at: presentOptionalTime(row.settled_at),
    created_at: presentTime(row.created_at),
    started_at: presentOptionalTime(row.started_at),
    finished_at: presentOptionalTime(row.finished_at),
  };
}

function presentApproval(row: ToolCallView): ToolCall['approval'] {
  const { approval_id: id, approval_state: state, approval_hash: hash, requested_at: asked, expires_at: expires } = row;
  if (id === null || state === null || hash === null || asked === null || expires === null) return null;
  return {
    id,
    state,
    arguments_hash: hash,
    requested_at: presentTime(asked),
    expires_at: presentTime(expires),
    decided_by: row.decided_by,
    decided_at: presentOptionalTime(row.decided_at),
    changed_arguments: row.changed_arguments,
    comment: row.comment,
  };
}
