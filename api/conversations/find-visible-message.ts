import type { EntityManager } from '@mikro-orm/postgresql';
import type { MessageRow } from '../../entities/conversations/conversation-repository.ts';
import { findMessage } from '../../entities/conversations/message-repository.ts';
import { notFound } from '../framework/validate-request.ts';
import { findVisibleConversation } from './find-visible-conversation.ts';

/** The message, unless its conversation was deleted or the request names another end user. @throws PerdureError `not_found` */
export async function findVisibleMessage(em: EntityManager, id: string, user: string | null): Promise<MessageRow> {
  const message = await findMessage(em, id);
  if (!message) throw notFound('message');
  await findVisibleConversation(em, message.conversation_id, user).catch(() => {
    throw notFound('message');
  });
  return message;
}
