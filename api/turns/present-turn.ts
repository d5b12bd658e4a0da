import type { Turn } from '../../contracts/turn.ts';
import { turnHintOf } from '../../contracts/turn-hints.ts';
import type { TurnRow } from '../../entities/conversations/turn-repository.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

/** A turn as the API shows it. */
export function presentTurn(row: TurnRow): Turn {
  return {
    id: row.id,
    conversation_id: row.conversation_id,
    user_message_id: row.user_message_id,
    assistant_message_id: row.assistant_message_id,
    agent_id: row.agent_id,
    agent_version: row.agent_version,
    model_id: row.model_id,
    kind: row.kind,
    replaces_turn_id: row.replaces_turn_id,
    topic: row.topic,
    versions: row.versions,
    step: row.step,
    limit_reached: row.limit_reached,
    waiting_since: presentOptionalTime(row.waiting_since),
    state: row.state,
    attempt: row.attempt,
    error: row.error && { code: row.error.code, detail: row.error.detail, hint: turnHintOf(row.error.code) },
    cancel_requested_at: presentOptionalTime(row.cancel_requested_at),
    created_at: presentTime(row.created_at),
    started_at: presentOptionalTime(row.started_at),
    completed_at: presentOptionalTime(row.completed_at),
  };
}
