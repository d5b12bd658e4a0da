import type { Conversation } from '../../contracts/conversation.ts';
import type { ConversationRow } from '../../entities/conversations/conversation-record-repository.ts';
import { presentTime } from '../framework/present-time.ts';

/** A conversation as the API shows it. */
export function presentConversation(row: ConversationRow): Conversation {
  return {
    id: row.id,
    agent_id: row.agent_id,
    user: row.user,
    title: row.title,
    model_name: row.model_name,
    is_archived: row.is_archived,
    active_message_id: row.active_message_id,
    has_branches: row.has_branches,
    metadata: row.metadata,
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}
