import type { EntityManager } from '@mikro-orm/postgresql';
import { findConversation } from '../../entities/conversations/conversation-record-repository.ts';
import type { ConversationRow } from '../../entities/conversations/conversation-record-repository.ts';
import { notFound } from '../framework/validate-request.ts';

/**
 * The conversation, unless the request names another end user than its own.
 * @throws PerdureError `not_found`
 */
export async function findVisibleConversation(
  em: EntityManager,
  id: string,
  user: string | null,
): Promise<ConversationRow> {
  const conversation = await findConversation(em, id);
  if (!conversation || (user !== null && conversation.user !== user)) throw notFound('conversation');
  return conversation;
}
