import type { EntityManager } from '@mikro-orm/postgresql';
import { promptPinColumns, type PromptPin } from '../agents/agent-template-repository.ts';
import { query } from '../sql.ts';
import { turnColumns, type TurnRow } from './turn-repository.ts';

/** A user's message with its turn, as one transaction leaves them. */
export type AcceptedMessage = {
  messageId: string;
  sequence: number;
  turnId: string;
  turnState: string;
  agentId: string;
  /** True when the same client message id was accepted before: nothing was written now. */
  duplicate: boolean;
  /** Whether no other turn of the conversation is under way or waits. */
  isAlone: boolean;
  replaced: MadeRoom;
  /** What was written; null for a duplicate. */
  rows: { message: MessageRow; turn: TurnRow } | null;
};

/** Turns that made room: those under way, whose end was asked for, and those that had not begun and have ended. */
export type MadeRoom = { asked: string[]; ended: string[] };

/** Why a message was not accepted. */
export type RefusedMessage = {
  refused:
    | 'conversation_not_found'
    | 'conversation_archived'
    | 'conversation_busy'
    | 'message_not_found'
    | 'not_begun'
    | 'budget_exhausted';
};

/** What becomes of a message to a conversation that is at work: it waits, takes the place of the work, or is refused. */
export type OnBusy = 'queue' | 'replace' | 'refuse';

/** A user's message as it is to be written. */
export type MessageToAccept = {
  workspaceId: string;
  conversationId: string;
  /** Ids made by the caller, so that a repeated call can be told from a new one. */
  messageId: string;
  turnId: string;
  workflowId: string;
  clientMessageId: string | null;
  content: string;
  metadata?: Record<string, unknown>;
  /** What the agent says when left out. */
  onBusy?: OnBusy | undefined;
  /** The user's message beside which this one stands: it begins a branch. */
  edits?: string;
  /** The versions that the turn is served with; the agent's is that of now when left out. */
  versions?: { agent: number; templates: Record<string, number> };
};

/**
 * Writes the user's message and its turn with state `accepted`. The lock on the conversation's row gives messages a
 * strict order, and makes the check for a repeated `clientMessageId` safe against a concurrent twin. The caller may hold
 * it already.
 */
export async function acceptMessage(
  em: EntityManager,
  message: MessageToAccept,
  locked?: LockedConversation,
): Promise<AcceptedMessage | RefusedMessage> {
  const conversation = locked ?? (await lockConversation(em, message));
  if (!conversation) return { refused: 'conversation_not_found' };
  const earlier = await findAcceptedMessage(em, message);
  if (earlier) return earlier;
  if (conversation.is_archived) return { refused: 'conversation_archived' };
  if (conversation.is_over_budget) return { refused: 'budget_exhausted' };
  const edited = message.edits === undefined ? null : await findQuestion(em, message.conversationId, message.edits);
  if (edited && 'refused' in edited) return edited;
  const replaced = await makeRoom(em, message.conversationId, message.onBusy ?? conversation.on_busy);
  if (replaced === 'busy') return { refused: 'conversation_busy' };
  const [written] = await query<TurnRow & { is_alone: boolean; metadata: Record<string, unknown> }>(
    em,
    `with conversation as (
       update conversations set last_sequence = $5, updated_at = now(),
              title = case when title = '' then left(regexp_replace($7, '\\s+', ' ', 'g'), 80) else title end,
              has_branches = has_branches or $12
       where workspace_id = $1 and id = $2),
     message as (
       insert into messages (id, workspace_id, conversation_id, sequence, client_message_id, sender, content, metadata,
                             parent_id)
       values ($3, $1, $2, $5, $6, 'user', $7, $8, $13)
       returning metadata),
     t as (
       insert into turns (id, workspace_id, conversation_id, user_message_id, agent_id, agent_version, model_id,
                          workflow_id, limits, versions, kind)
       select $4, $1, $2, $3, a.id, coalesce(($11::jsonb ->> 'agent')::integer, a.version), a.model_id, $9, a.limits,
              coalesce($11, jsonb_build_object('agent', a.version)), case when $12 then 'edit' else 'message' end
       from agents a where a.workspace_id = $1 and a.id = $10
       returning *)
     select ${turnColumns}, m.metadata,
            not exists (select from turns o where o.conversation_id = $2
                          and o.state in ('accepted', 'queued', 'running', 'waiting')) as is_alone
     from t, message m`,
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
      edited !== null,
      edited?.parentId ?? null,
    ],
  );
  if (!written) throw new Error(`The agent of conversation ${message.conversationId} vanished while it was locked`);
  const { is_alone: isAlone, metadata, ...turn } = written;
  const place = { sequence: conversation.sequence, parentId: edited?.parentId ?? null };
  return { ...presentAccepted(message, turn, { ...place, metadata }), isAlone, replaced };
}

/** A message that was just written with its turn, as far as they tell of it. */
export function presentAccepted(
  message: Pick<MessageToAccept, 'conversationId' | 'messageId' | 'clientMessageId' | 'content'>,
  turn: TurnRow,
  { sequence, parentId, metadata }: Pick<MessageRow, 'sequence' | 'metadata'> & { parentId: string | null },
): Omit<AcceptedMessage, 'isAlone' | 'replaced'> {
  const { conversationId, messageId, clientMessageId, content } = message;
  return {
    ...{ messageId, turnId: turn.id, turnState: turn.state, agentId: turn.agent_id, duplicate: false },
    sequence: Number(sequence),
    rows: {
      turn,
      message: {
        ...{ id: messageId, conversation_id: conversationId, sequence, client_message_id: clientMessageId },
        ...{ parent_id: parentId, sender: 'user', content, metadata },
        ...{ token_count: null, model_response_time: null, created_at: turn.created_at },
        ...{ turn_id: turn.id, turn_state: turn.state },
      },
    },
  };
}

/** A conversation under its lock, with what its agent does with messages while it is at work. */
export type LockedConversation = {
  agent_id: string;
  is_archived: boolean;
  sequence: string;
  on_busy: OnBusy;
  /** Whether a budget that refuses turns is used up for its month. */
  is_over_budget: boolean;
};

/** A `LockedConversation` of the conversation `c` and its agent `a`. */
export const lockedColumns = `
  c.agent_id, c.is_archived, c.last_sequence + 1 as sequence, a.on_busy,
  exists (select from budgets b
          where b.workspace_id = c.workspace_id and b.on_exceeded = 'refuse' and b.exceeded_at is not null
            and b.period_end > now() and (b.agent_id is null or b.agent_id = c.agent_id)
            and (b.user_id is null or b.user_id = c.user_id)) as is_over_budget`;

/** Locks a conversation that was not deleted, as for a question that is to be answered with the versions of now. */
export async function lockForQuestion(
  em: EntityManager,
  { workspaceId, conversationId }: { workspaceId: string; conversationId: string },
): Promise<(LockedConversation & PromptPin) | null> {
  const [row] = await query<LockedConversation & PromptPin>(
    em,
    `select ${lockedColumns}, ${promptPinColumns}
     from conversations c join agents a on a.id = c.agent_id join users s on s.id = c.user_id
     where c.workspace_id = $1 and c.id = $2 and c.deleted_at is null for update of c`,
    [workspaceId, conversationId],
  );
  return row ?? null;
}

/** Locks a conversation that was not deleted. */
export async function lockConversation(
  em: EntityManager,
  { workspaceId, conversationId }: { workspaceId: string; conversationId: string },
): Promise<LockedConversation | null> {
  const [row] = await query<LockedConversation>(
    em,
    `select ${lockedColumns}
     from conversations c join agents a on a.id = c.agent_id
     where c.workspace_id = $1 and c.id = $2 and c.deleted_at is null for update of c`,
    [workspaceId, conversationId],
  );
  return row ?? null;
}

const unfinished = `conversation_id = $1 and state in ('accepted', 'queued', 'running', 'waiting')`;

/** Makes room for a new turn where it is to take the place of others. The caller holds the conversation's lock. */
export async function makeRoom(em: EntityManager, conversationId: string, onBusy: OnBusy): Promise<MadeRoom | 'busy'> {
  if (onBusy === 'replace') return endUnfinished(em, conversationId);
  const isBusy =
    onBusy === 'refuse' &&
    (await query(em, `select from turns where ${unfinished} limit 1`, [conversationId])).length > 0;
  return isBusy ? 'busy' : { asked: [], ended: [] };
}

/**
 * Ends the turns of a conversation that have not begun, and asks for the end of those under way. The caller holds the
 * conversation's lock.
 */
export async function endUnfinished(em: EntityManager, conversationId: string): Promise<MadeRoom> {
  const rows = await query<{ id: string; has_ended: boolean }>(
    em,
    `with waiting as (
       update turns set state = 'cancelled', attempt = attempt + 1, cancel_requested_at = coalesce(cancel_requested_at, now()),
              started_at = now(), completed_at = now(), updated_at = now()
       where ${unfinished} and started_at is null returning id, workspace_id, attempt),
     told as (
       insert into turn_events (workspace_id, turn_id, attempt, seq, kind, data)
       select w.workspace_id, w.id, w.attempt,
              (select coalesce(max(e.seq), 0) from turn_events e where e.turn_id = w.id) + 1,
              'cancelled', '{"message_id": null}'
       from waiting w),
     asked as (
       update turns set cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now()
       where ${unfinished} and started_at is not null returning id)
     select id, true as has_ended from waiting union all select id, false from asked`,
    [conversationId],
  );
  const ids = (hasEnded: boolean) => rows.filter((row) => row.has_ended === hasEnded).map(({ id }) => id);
  return { asked: ids(false), ended: ids(true) };
}

/** Where a question hangs; one that waits in the queue hangs nowhere yet. */
async function findQuestion(
  em: EntityManager,
  conversationId: string,
  messageId: string,
): Promise<{ parentId: string | null } | RefusedMessage> {
  const [row] = await query<{ parent_id: string | null; has_begun: boolean }>(
    em,
    `select m.parent_id, exists (select from turns t where t.user_message_id = m.id and t.started_at is not null)
            as has_begun
     from messages m where m.id = $2 and m.conversation_id = $1 and m.sender = 'user'`,
    [conversationId, messageId],
  );
  if (!row) return { refused: 'message_not_found' };
  return row.has_begun ? { parentId: row.parent_id } : { refused: 'not_begun' };
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
     where m.conversation_id = $1 and m.client_message_id = $2 order by t.created_at, t.id limit 1`,
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
    isAlone: false,
    replaced: { asked: [], ended: [] },
    rows: null,
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

const activeBranch = `
  with recursive branch as (
    select m.id, m.parent_id from conversations c join messages m on m.id = c.active_message_id where c.id = $1
    union all
    select m.id, m.parent_id from branch b join messages m on m.id = b.parent_id)`;

/** Joins the turn `t` that a message `m` has begun or that it answers; a question may be answered by later turns again. */
export const turnOfMessage = `left join lateral (
  (select id, state from turns where m.sender = 'assistant' and assistant_message_id = m.id)
  union all
  (select id, state from turns where m.sender = 'user' and user_message_id = m.id order by created_at, id limit 1)
) t on true`;

/** Lists messages in order of their sequence, after `afterSequence`; of the branch that is shown alone where wanted. */
export async function listMessages(
  em: EntityManager,
  conversationId: string,
  afterSequence: number,
  limit: number,
  isActiveOnly = false,
): Promise<MessageRow[]> {
  return query<MessageRow>(
    em,
    `${isActiveOnly ? activeBranch : ''}
     select m.id, m.conversation_id, m.sequence, m.client_message_id, m.parent_id, m.sender, m.content, m.token_count,
            m.model_response_time, m.metadata, m.created_at, t.id as turn_id, t.state as turn_state
     from messages m ${turnOfMessage}
     where m.conversation_id = $1 and m.sequence > $2 ${isActiveOnly ? 'and m.id in (select id from branch)' : ''}
     order by m.sequence limit $3`,
    [conversationId, afterSequence, limit],
  );
}
