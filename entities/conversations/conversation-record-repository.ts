import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { endUnfinished, type MadeRoom } from './conversation-repository.ts';

/** A conversation without its messages; `user` is the owner's external id. */
export type ConversationRow = {
  id: string;
  agent_id: string;
  user: string;
  title: string;
  model_name: string;
  is_archived: boolean;
  active_message_id: string | null;
  has_branches: boolean;
  metadata: Record<string, unknown>;
  created_at: Date;
  updated_at: Date;
};

const columns = `c.id, c.agent_id, u.external_id as "user", c.title, c.model_name, c.is_archived, c.active_message_id, c.has_branches, c.metadata,
  c.created_at, c.updated_at`;

/** Writes a conversation with the name of the model that its agent has now. */
export async function createConversation(
  em: EntityManager,
  conversation: {
    id: string;
    workspaceId: string;
    agentId: string;
    userId: string;
    title: string;
    metadata: Record<string, unknown>;
  },
): Promise<void> {
  await query(
    em,
    `insert into conversations (id, workspace_id, agent_id, user_id, title, title_by, metadata, model_name)
     select $1, $2, a.id, $4, $5, case when $5 = '' then 'question' else 'user' end, $6, m.name
     from agents a join models m on m.id = a.model_id where a.id = $3`,
    [
      conversation.id,
      conversation.workspaceId,
      conversation.agentId,
      conversation.userId,
      conversation.title,
      JSON.stringify(conversation.metadata),
    ],
  );
}

/** Finds a conversation that was not deleted. */
export async function findConversation(em: EntityManager, id: string): Promise<ConversationRow | null> {
  const [row] = await query<ConversationRow>(
    em,
    `select ${columns} from conversations c join users u on u.id = c.user_id where c.id = $1 and c.deleted_at is null`,
    [id],
  );
  return row ?? null;
}

/** Lists conversations, newest first, before `beforeId`; those that evaluations hold are no user's. */
export async function listConversations(
  em: EntityManager,
  filter: {
    userId: string | null;
    agentId: string | null;
    isArchived: boolean | null;
    beforeId: string | null;
    limit: number;
  },
): Promise<ConversationRow[]> {
  return query<ConversationRow>(
    em,
    `select ${columns} from conversations c join users u on u.id = c.user_id
     where c.deleted_at is null and c.evaluation_id is null and ($1::uuid is null or c.user_id = $1)
       and ($2::uuid is null or c.agent_id = $2)
       and ($3::boolean is null or c.is_archived = $3) and ($4::uuid is null or c.id < $4)
     order by c.id desc limit $5`,
    [filter.userId, filter.agentId, filter.isArchived, filter.beforeId, filter.limit],
  );
}

/** Changes what is given of a conversation. */
export async function updateConversation(
  em: EntityManager,
  id: string,
  changes: { title?: string; isArchived?: boolean; metadata?: Record<string, unknown> },
): Promise<void> {
  await query(
    em,
    `update conversations set title = coalesce($2, title), is_archived = coalesce($3, is_archived),
            title_by = case when $2 = '' then 'question' when $2 is not null then 'user' else title_by end,
            metadata = coalesce($4, metadata), updated_at = now()
     where id = $1 and deleted_at is null`,
    [
      id,
      changes.title ?? null,
      changes.isArchived ?? null,
      changes.metadata === undefined ? null : JSON.stringify(changes.metadata),
    ],
  );
}

/**
 * Deletes a conversation for its readers, ends its turns that have not begun and asks for the end of those under way;
 * returns both with its agent. The lock keeps a message that is being accepted from slipping in behind the delete.
 */
export async function deleteConversation(
  em: EntityManager,
  id: string,
): Promise<{ agentId: string; turns: MadeRoom } | null> {
  const [row] = await query<{ agent_id: string }>(
    em,
    `update conversations set deleted_at = now(), updated_at = now() where id = $1 returning agent_id`,
    [id],
  );
  return row ? { agentId: row.agent_id, turns: await endUnfinished(em, id) } : null;
}
