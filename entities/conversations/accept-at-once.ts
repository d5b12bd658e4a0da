import type { EntityManager } from '@mikro-orm/postgresql';
import { promptPinColumns, type PromptPin } from '../agents/agent-template-repository.ts';
import { query } from '../sql.ts';
import {
  lockedColumns,
  presentAccepted,
  type AcceptedMessage,
  type LockedConversation,
  type MessageToAccept,
} from './conversation-repository.ts';
import { turnColumns, type TurnRow } from './turn-repository.ts';

/** A conversation under its lock, and the message in it; `accepted` is null where something stands against that. */
export type AtOnce = LockedConversation & PromptPin & { accepted: AcceptedMessage | null };

/**
 * Locks a conversation and writes a user's message with its turn, as `lockForQuestion` and `acceptMessage` do, in one
 * statement, where there is nothing to decide: the message waits for whatever is under way, and was not accepted before.
 * Null when there is no such conversation.
 */
export async function acceptAtOnce(
  em: EntityManager,
  message: Omit<MessageToAccept, 'edits' | 'versions' | 'metadata'>,
): Promise<AtOnce | null> {
  // Whoever waits for the lock sees everything beside the locked row as it was before: a twin of the message is met by its
  // unique id, and a turn that came meanwhile by whoever begins this one.
  const [row] = await query<LockedConversation & PromptPin & TurnRow & { id: string | null; is_alone: boolean }>(
    em,
    `with c as materialized (
       select c.id, ${lockedColumns}, ${promptPinColumns}
       from conversations c join agents a on a.id = c.agent_id join users s on s.id = c.user_id
       where c.workspace_id = $1 and c.id = $2 and c.deleted_at is null for update of c),
     free as (
       select * from c where not is_archived and not is_over_budget and coalesce($8, on_busy) = 'queue'),
     m as (
       insert into messages (id, workspace_id, conversation_id, sequence, client_message_id, sender, content)
       select $3, $1, f.id, f.sequence, $5, 'user', $6 from free f
       on conflict (conversation_id, client_message_id) do nothing
       returning id),
     noted as (
       update conversations v set last_sequence = f.sequence, updated_at = now(),
              title = case when v.title = '' then left(regexp_replace($6, '\\s+', ' ', 'g'), 80) else v.title end
       from free f, m where v.id = f.id),
     t as (
       insert into turns (id, workspace_id, conversation_id, user_message_id, agent_id, agent_version, model_id,
                          workflow_id, limits, versions, kind)
       select $4, $1, f.id, m.id, a.id, a.version, a.model_id, $7, a.limits,
              jsonb_build_object('agent', a.version, 'templates', coalesce((
                select jsonb_object_agg(p ->> 'id', p -> 'version') from json_array_elements(f.templates) as p), '{}')),
              'message'
       from free f, m, agents a where a.workspace_id = $1 and a.id = f.agent_id
       returning *)
     select ${turnColumns}, c.agent_id, c.is_archived, c.sequence, c.on_busy, c.is_over_budget, c."agentVersion",
            c."agentName", c."user", c."userName", c.title, c.metadata, c.templates,
            not exists (select from turns o where o.conversation_id = $2
                          and o.state in ('accepted', 'queued', 'running', 'waiting')) as is_alone
     from c left join t on true`,
    [
      message.workspaceId,
      message.conversationId,
      message.messageId,
      message.turnId,
      message.clientMessageId,
      message.content,
      message.workflowId,
      message.onBusy ?? null,
    ],
  );
  if (!row) return null;
  if (row.id === null) return { ...row, accepted: null };
  const written = presentAccepted(message, row, { sequence: row.sequence, parentId: null, metadata: {} });
  return { ...row, accepted: { ...written, isAlone: row.is_alone, replaced: { asked: [], ended: [] } } };
}
