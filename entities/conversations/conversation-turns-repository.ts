import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A turn among those of its conversation. */
export type ConversationTurn = {
  id: string;
  number: number;
  user_message_id: string;
  assistant_message_id: string | null;
  kind: 'message' | 'regenerate' | 'edit' | 'retry';
  state: 'accepted' | 'queued' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled';
  error: { code: string; detail: string } | null;
  attempt: number;
  agent_version: number;
  model: string;
  created_at: Date;
  completed_at: Date | null;
};

/** Turns of a conversation behind the number `after`, oldest first. */
export async function listConversationTurns(
  em: EntityManager,
  conversationId: string,
  { after, limit }: { after: number; limit: number },
): Promise<ConversationTurn[]> {
  return query<ConversationTurn>(
    em,
    `select t.id, t.number, t.user_message_id, t.assistant_message_id, t.kind, t.state, t.error, t.attempt,
            t.agent_version, m.name as model, t.created_at, t.completed_at
     from turns t join models m on m.id = t.model_id where t.conversation_id = $1 and t.number > $2
     order by t.number limit $3`,
    [conversationId, after, limit],
  );
}
