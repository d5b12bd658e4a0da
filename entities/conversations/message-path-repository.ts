import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A message of a branch. */
export type PathMessage = {
  id: string;
  parent_id: string | null;
  sender: 'user' | 'assistant';
  content: string;
  token_count: number | null;
  metadata: Record<string, unknown>;
};

/** The messages from `messageId` up to the first of its branch, newest first, at most `limit`. */
export async function readPath(em: EntityManager, messageId: string | null, limit: number): Promise<PathMessage[]> {
  if (messageId === null) return [];
  return query<PathMessage>(
    em,
    `with recursive path as (
       select m.id, m.parent_id, 1 as depth from messages m where m.id = $1
       union all
       select m.id, m.parent_id, p.depth + 1 from path p join messages m on m.id = p.parent_id where p.depth < $2)
     select m.id, m.parent_id, m.sender, m.content, m.token_count, m.metadata
     from path p join messages m on m.id = p.id order by p.depth`,
    [messageId, limit],
  );
}

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
