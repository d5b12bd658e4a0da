import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/**
 * Shows the branch through a message: its tip becomes the newest message below it. Returns the tip, or null where the
 * conversation has no such message. The caller holds the conversation's lock.
 */
export async function showBranch(em: EntityManager, conversationId: string, messageId: string): Promise<string | null> {
  const [row] = await query<{ id: string }>(
    em,
    `with recursive down as (
       select m.id, m.sequence from messages m where m.id = $2 and m.conversation_id = $1
       union all
       select c.id, c.sequence from down d cross join lateral (
         select m.id, m.sequence from messages m
         where m.conversation_id = $1 and m.parent_id = d.id order by m.sequence desc limit 1) c)
     update conversations set active_message_id = (select id from down order by sequence desc limit 1), updated_at = now()
     where id = $1 and exists (select from down)
     returning active_message_id as id`,
    [conversationId, messageId],
  );
  return row?.id ?? null;
}
