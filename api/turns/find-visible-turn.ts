import type { EntityManager } from '@mikro-orm/postgresql';
import { findTurn } from '../../entities/conversations/turn-repository.ts';
import type { TurnRow } from '../../entities/conversations/turn-repository.ts';
import { findVisibleConversation } from '../conversations/find-visible-conversation.ts';
import { notFound } from '../framework/validate-request.ts';

/** The turn, unless the request names another end user than its conversation's. @throws PerdureError `not_found` */
export async function findVisibleTurn(em: EntityManager, id: string, user: string | null): Promise<TurnRow> {
  const turn = await findTurn(em, id);
  if (!turn) throw notFound('turn');
  if (user !== null) await findVisibleConversation(em, turn.conversation_id, user);
  return turn;
}
