import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A turn as one who watches its conversation learns of it. */
export type AcceptedTurn = {
  id: string;
  number: number;
  kind: 'message' | 'regenerate' | 'edit' | 'retry';
  user_message_id: string;
  question: string;
  replaces_turn_id: string | null;
  has_ended: boolean;
};

/** Where somebody who watches a conversation stands: they know its turns up to the number `after`. */
export type ConversationCursor = { workspaceId: string; conversationId: string; after: number };

/**
 * The turns behind each cursor, at most `limit` a conversation, in order; null in the place of a turn says that the
 * conversation was deleted. Meant for the operator role, like the events of turns.
 */
export async function readNewTurns(
  em: EntityManager,
  cursors: readonly ConversationCursor[],
  limit: number,
): Promise<Array<{ cursor: number; turn: AcceptedTurn | null }>> {
  return query(
    em,
    `select g.cursor::integer - 1 as cursor, t.turn
     from unnest($1::uuid[], $2::uuid[], $3::integer[]) with ordinality as g (workspace_id, conversation_id, after, cursor)
     left join conversations c on c.id = g.conversation_id and c.workspace_id = g.workspace_id and c.deleted_at is null
     left join lateral (
       select r.number, json_build_object('id', r.id, 'number', r.number, 'kind', r.kind, 'user_message_id', r.user_message_id,
              'question', m.content, 'replaces_turn_id', r.replaces_turn_id, 'has_ended', r.completed_at is not null) as turn
       from turns r join messages m on m.id = r.user_message_id
       where r.workspace_id = g.workspace_id and r.conversation_id = g.conversation_id and r.number > g.after
       order by r.number limit $4) t on c.id is not null
     where c.id is null or t.turn is not null
     order by g.cursor, t.number`,
    [cursors.map((c) => c.workspaceId), cursors.map((c) => c.conversationId), cursors.map((c) => c.after), limit],
  );
}

/** Which of the conversations these turns belong to. For the operator role. */
export async function findConversationsOfTurns(em: EntityManager, turnIds: readonly string[]): Promise<string[]> {
  const rows = await query<{ conversation_id: string }>(
    em,
    `select distinct conversation_id from turns where id = any($1::uuid[])`,
    [turnIds],
  );
  return rows.map((row) => row.conversation_id);
}

/** The number of the last turn of a conversation, 0 without any, and those of the turns that have not ended. */
export async function readOpenTurns(
  em: EntityManager,
  conversationId: string,
): Promise<{ last: number; open: number[] }> {
  const [row] = await query<{ last: number; open: number[] }>(
    em,
    `select coalesce((select max(number) from turns where conversation_id = $1), 0) as last,
            array(select number from turns where conversation_id = $1
                  and state in ('accepted', 'queued', 'running', 'waiting') order by number) as open`,
    [conversationId],
  );
  return row!;
}
