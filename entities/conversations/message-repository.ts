import type { EntityManager } from '@mikro-orm/postgresql';
import { turnOfMessage, type MessageRow } from './conversation-repository.ts';
import { query } from '../sql.ts';

/** Finds one message with the turn that it began or answers. */
export async function findMessage(em: EntityManager, id: string): Promise<MessageRow | null> {
  const [row] = await query<MessageRow>(
    em,
    `select m.id, m.conversation_id, m.sequence, m.client_message_id, m.parent_id, m.sender, m.content, m.token_count,
            m.model_response_time, m.metadata, m.created_at, t.id as turn_id, t.state as turn_state
     from messages m ${turnOfMessage}
     where m.id = $1`,
    [id],
  );
  return row ?? null;
}
