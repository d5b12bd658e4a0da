import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A user's message with its turn, as one transaction leaves them. */
export type AcceptedMessage = {
  messageId: string;
  sequence: number;
  turnId: string;
  turnState: string;
  agentId: string;
  /** True when the same client message id was accepted before: nothing was written now. */
  duplicate: boolean;
};

/** Why a message was not accepted. */
export type RefusedMessage = { refused: 'conversation_not_found' | 'conversation_archived' };

type MessageToAccept = {
  workspaceId: string;
  conversationId: string;
  /** Ids made by the caller, so that a repeated call can be told from a new one. */
  messageId: string;
  turnId: string;
  workflowId: string;
  clientMessageId: string | null;
  content: string;
  metadata?: Record<string, unknown>;
  /** The versions that the turn is served with; the agent's is that of now when left out. */
  versions?: { agent: number; templates: Record<string, number> };
};

/**
 * Writes the user's message and its turn with state `accepted`. The lock on the conversation's row gives messages a
 * strict order, and makes the check for a repeated `clientMessageId` safe against a concurrent twin.
 */
export async function acceptMessage(
  em: EntityManager,
  message: MessageToAccept,
): Promise<AcceptedMessage | RefusedMessage> {
  const [conversation] = await query<{ agent_id: string; is_archived: boolean; sequence: string }>(
    em,
    `select c.agent_id, c.is_archived, c.last_sequence + 1 as sequence
     from conversations c where c.workspace_id = $1 and c.id = $2 and c.deleted_at is null for update`,
    [message.workspaceId, message.conversationId],
  );
  if (!conversation) return { refused: 'conversation_not_found' };
  const earlier = await findAcceptedMessage(em, message);
  if (earlier) return earlier;
  if (conversation.is_archived) return { refused: 'conversation_archived' };
  await query(
    em,
    `with conversation as (
       update conversations set last_sequence = $5, updated_at = now(),
              title = case when title = '' then left(regexp_replace($7, '\\s+', ' ', 'g'), 80) else title end
       where workspace_id = $1 and id = $2),
     message as (
       insert into messages (id, workspace_id, conversation_id, sequence, client_message_id, sender, content, metadata)
       values ($3, $1, $2, $5, $6, 'user', $7, $8))
     insert into turns (id, workspace_id, conversation_id, user_message_id, agent_id, agent_version, model_id, workflow_id,
                        limits, versions)
     select $4, $1, $2, $3, a.id, coalesce(($11::jsonb ->> 'agent')::integer, a.version), a.model_id, $9, a.limits,
            coalesce($11, jsonb_build_object('agent', a.version))
     from agents a where a.workspace_id = $1 and a.id = $10`,
    [
      message.workspaceId,
      message.conversationId,
      message.messageId,
      message.turnId,
      conversation.sequence,
      message.clientMessageId,
      message.content,
      JSON.stringify(message.metadata ?? {}),
      message.workflowId,
      conversation.agent_id,
      message.versions === undefined ? null : JSON.stringify(message.versions),
    ],
  );
  return {
    messageId: message.messageId,
    sequence: Number(conversation.sequence),
    turnId: message.turnId,
    turnState: 'accepted',
    agentId: conversation.agent_id,
    duplicate: false,
  };
}

async function findAcceptedMessage(
  em: EntityManager,
  message: Pick<MessageToAccept, 'conversationId' | 'clientMessageId'>,
): Promise<AcceptedMessage | null> {
  if (message.clientMessageId === null) return null;
  const [row] = await query<{ id: string; sequence: string; turn_id: string; state: string; agent_id: string }>(
    em,
    `select m.id, m.sequence, t.id as turn_id, t.state, t.agent_id
     from messages m join turns t on t.user_message_id = m.id
     where m.conversation_id = $1 and m.client_message_id = $2`,
    [message.conversationId, message.clientMessageId],
  );
  if (!row) return null;
  return {
    messageId: row.id,
    sequence: Number(row.sequence),
    turnId: row.turn_id,
    turnState: row.state,
    agentId: row.agent_id,
    duplicate: true,
  };
}

/** One message of a conversation with its turn's state and its citations' count. */
export type MessageRow = {
  id: string;
  conversation_id: string;
  sequence: string;
  client_message_id: string | null;
  parent_id: string | null;
  sender: 'user' | 'assistant';
  content: string;
  token_count: number | null;
  model_response_time: string | null;
  metadata: Record<string, unknown>;
  created_at: Date;
  turn_id: string | null;
  turn_state: string | null;
};

/** Lists messages in order of their sequence, after `afterSequence`. */
export async function listMessages(
  em: EntityManager,
  conversationId: string,
  afterSequence: number,
  limit: number,
): Promise<MessageRow[]> {
  return query<MessageRow>(
    em,
    `select m.id, m.conversation_id, m.sequence, m.client_message_id, m.parent_id, m.sender, m.content, m.token_count,
            m.model_response_time, m.metadata, m.created_at, t.id as turn_id, t.state as turn_state
     from messages m
     left join turns t on t.user_message_id = m.id or t.assistant_message_id = m.id
     where m.conversation_id = $1 and m.sequence > $2 order by m.sequence limit $3`,
    [conversationId, afterSequence, limit],
  );
}
