import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import {
  lockConversation,
  makeRoom,
  type MadeRoom,
  type OnBusy,
  type RefusedMessage,
} from './conversation-repository.ts';

/** A turn that answers a question again: in place of one that failed, or beside an answer that is there. */
export type TurnAgain = {
  workspaceId: string;
  conversationId: string;
  /** Made by the caller. */
  turnId: string;
  workflowId: string;
  kind: 'regenerate' | 'retry';
  replacesTurnId: string;
  onBusy?: OnBusy | undefined;
  versions: { agent: number; templates: Record<string, number> } | undefined;
};

/** The turns that made room, and whether no other is under way or waits; or why the turn was not accepted. */
export type AcceptedAgain =
  | { replaced: MadeRoom; isAlone: boolean }
  | RefusedMessage
  | { refused: 'not_ended' | 'not_failed' };

/** Writes a turn, state `accepted`, for the question of one that has ended; the question stays as it is. */
export async function acceptAgain(em: EntityManager, again: TurnAgain): Promise<AcceptedAgain> {
  const conversation = await lockConversation(em, again);
  if (!conversation) return { refused: 'conversation_not_found' };
  if (conversation.is_archived) return { refused: 'conversation_archived' };
  if (conversation.is_over_budget) return { refused: 'budget_exhausted' };
  const [former] = await query<{ state: string }>(
    em,
    `select state from turns where id = $1 and conversation_id = $2`,
    [again.replacesTurnId, again.conversationId],
  );
  if (!former) return { refused: 'message_not_found' };
  if (!['completed', 'failed', 'cancelled'].includes(former.state)) return { refused: 'not_ended' };
  if (again.kind === 'retry' && former.state === 'completed') return { refused: 'not_failed' };
  const replaced = await makeRoom(em, again.conversationId, again.onBusy ?? conversation.on_busy);
  if (replaced === 'busy') return { refused: 'conversation_busy' };
  const [written] = await query<{ is_alone: boolean }>(
    em,
    `with conversation as (
       update conversations set updated_at = now(), has_branches = has_branches or exists (
         select from turns where id = $4 and assistant_message_id is not null) where id = $2),
     t as (
       insert into turns (id, workspace_id, conversation_id, user_message_id, agent_id, agent_version, model_id,
                          workflow_id, limits, versions, kind, replaces_turn_id)
       select $3, $1, $2, f.user_message_id, a.id, coalesce(($6::jsonb ->> 'agent')::integer, a.version), a.model_id, $5,
              a.limits, coalesce($6, jsonb_build_object('agent', a.version)), $7, f.id
       from turns f join agents a on a.id = $8 where f.id = $4)
     select not exists (select from turns o where o.conversation_id = $2
                          and o.state in ('accepted', 'queued', 'running', 'waiting')) as is_alone`,
    [
      again.workspaceId,
      again.conversationId,
      again.turnId,
      again.replacesTurnId,
      again.workflowId,
      again.versions === undefined ? null : JSON.stringify(again.versions),
      again.kind,
      conversation.agent_id,
    ],
  );
  return { replaced, isAlone: written!.is_alone };
}
