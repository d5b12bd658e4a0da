import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** Feedback with what it is about. */
export type FeedbackRow = {
  message_id: string;
  conversation_id: string;
  agent_id: string;
  user: string;
  rating: 1 | -1;
  comment: string;
  created_at: Date;
  updated_at: Date;
  /** Microseconds since the epoch. */
  created_micros: string;
};

const selectFeedback = `
  select f.message_id, m.conversation_id, c.agent_id, u.external_id as "user", f.rating, f.comment, f.created_at,
         f.updated_at, (extract(epoch from f.created_at) * 1000000)::bigint as created_micros
  from feedback f
  join messages m on m.id = f.message_id
  join conversations c on c.id = m.conversation_id and c.deleted_at is null
  join users u on u.id = f.user_id`;

/** Writes what a user thinks of an answer, in place of what they thought before. */
export async function putFeedback(
  em: EntityManager,
  given: { workspaceId: string; messageId: string; userId: string; rating: 1 | -1; comment: string },
): Promise<void> {
  await query(
    em,
    `insert into feedback (workspace_id, message_id, user_id, rating, comment) values ($1, $2, $3, $4, $5)
     on conflict (message_id, user_id) do update set rating = excluded.rating, comment = excluded.comment,
       updated_at = now()`,
    [given.workspaceId, given.messageId, given.userId, given.rating, given.comment],
  );
}

/** Takes a user's feedback back; returns whether there was any. */
export async function deleteFeedback(em: EntityManager, messageId: string, userId: string): Promise<boolean> {
  const rows = await query(em, `delete from feedback where message_id = $1 and user_id = $2 returning message_id`, [
    messageId,
    userId,
  ]);
  return rows.length > 0;
}

/** Where a list of feedback goes on: behind this place. */
export type FeedbackPlace = { createdMicros: number; messageId: string; user: string };

/** Lists feedback, newest first. */
export async function listFeedback(
  em: EntityManager,
  filter: {
    messageId: string | null;
    conversationId: string | null;
    agentId: string | null;
    user: string | null;
    /** The owner of the conversations; null for all. */
    visibleTo: string | null;
    rating: 1 | -1 | null;
    after: FeedbackPlace | null;
    limit: number;
  },
): Promise<FeedbackRow[]> {
  const { after } = filter;
  return query<FeedbackRow>(
    em,
    `select * from (${selectFeedback}
       where ($1::uuid is null or f.message_id = $1) and ($2::uuid is null or m.conversation_id = $2)
         and ($3::uuid is null or c.agent_id = $3) and ($4::text is null or u.external_id = $4)
         and ($5::uuid is null or c.user_id = $5) and ($6::integer is null or f.rating = $6)) as l
     where $7::bigint is null or (-l.created_micros, l.message_id, l."user") > (-$7::bigint, $8::uuid, $9::text)
     order by l.created_micros desc, l.message_id, l."user" limit $10`,
    [
      filter.messageId,
      filter.conversationId,
      filter.agentId,
      filter.user,
      filter.visibleTo,
      filter.rating,
      after?.createdMicros ?? null,
      after?.messageId ?? null,
      after?.user ?? null,
      filter.limit,
    ],
  );
}
