import type { EntityManager } from '@mikro-orm/postgresql';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { createMessageSchema, messageSchema } from '../../contracts/message.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import { messageAcceptedSchema } from '../../contracts/turn.ts';
import { acceptMessage, listMessages } from '../../entities/conversations/conversation-repository.ts';
import { findMessage } from '../../entities/conversations/message-repository.ts';
import { findTurn, listCitations } from '../../entities/conversations/turn-repository.ts';
import { readCursor, sequenceCursor, toPage } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { presentTurn } from '../turns/present-turn.ts';
import { findVisibleConversation } from './find-visible-conversation.ts';
import { pinPrompt, requireFilled } from './pin-prompt.ts';
import { presentMessage } from './present-message.ts';

const create = defineRoute({
  method: 'POST',
  path: '/conversations/{id}/messages',
  tag: 'Conversations',
  summary: 'Send a message; its turn answers it',
  description:
    'Answers 202 once the message and its turn are committed: from then on the turn is served whatever crashes. Follow ' +
    'it at /turns/{id}/events. The same client_message_id again is the same message.',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: createMessageSchema,
  idempotent: true,
  responses: { 202: messageAcceptedSchema },
  problems: [422],
  example: { content: 'When is the office open?', client_message_id: 'm-1' },
  transaction: async (em, { params, body, principal, user }) => {
    // Without an end user to compare with, the lock that follows finds out whether there is such a conversation.
    if (user !== null) await findVisibleConversation(em, params.id, user);
    const pin = await pinPrompt(em, { conversationId: params.id, question: body.content });
    const accepted = await acceptMessage(em, {
      workspaceId: principal.workspaceId,
      conversationId: params.id,
      messageId: uuidV7(),
      turnId: uuidV7(),
      workflowId: workflowIds.conversation(params.id),
      clientMessageId: body.client_message_id ?? null,
      content: body.content,
      ...(pin && { versions: pin.versions }),
    });
    if ('refused' in accepted) {
      if (accepted.refused === 'conversation_not_found') throw notFound('conversation');
      throw new PerdureError('conflict', 'The conversation is archived. Restore it (is_archived: false) to go on.');
    }
    // A message that was accepted before is answered as it was, whatever its templates say now.
    if (pin && !accepted.duplicate) requireFilled(pin);
    const { message, turn } = await readAccepted(em, accepted);
    if (message.content !== body.content)
      throw new PerdureError(
        'conflict',
        `client_message_id "${body.client_message_id}" was used for another message of this conversation. Use a new one.`,
      );
    return { status: 202, body: { message: presentMessage(message, []), turn: presentTurn(turn) } };
  },
  afterCommit: async (reply, { principal }, deps) => {
    const { turn } = messageAcceptedSchema.parse(reply.body);
    if (turn.state !== 'accepted') return;
    await deps.starter.submitTurn({
      workspaceId: principal.workspaceId,
      conversationId: turn.conversation_id,
      agentId: turn.agent_id,
      turnId: turn.id,
    });
  },
});

async function readAccepted(em: EntityManager, accepted: { messageId: string; turnId: string }) {
  const message = await findMessage(em, accepted.messageId);
  const turn = await findTurn(em, accepted.turnId);
  if (!message || !turn) throw new Error(`message ${accepted.messageId} was accepted but cannot be read`);
  return { message, turn };
}

const list = defineRoute({
  method: 'GET',
  path: '/conversations/{id}/messages',
  tag: 'Conversations',
  summary: 'The messages of a conversation with their citations, oldest first',
  scope: 'conversations:read',
  params: idParamsSchema,
  query: pageQuerySchema,
  responses: { 200: pageOf(messageSchema) },
  transaction: async (em, { params, query, user }) => {
    await findVisibleConversation(em, params.id, user);
    const after = Number(readCursor(query.cursor, sequenceCursor) ?? 0);
    const rows = await listMessages(em, params.id, after, query.limit + 1);
    const citations = await listCitations(
      em,
      rows.map((row) => row.id),
    );
    const page = toPage(
      rows,
      query.limit,
      (row) => row.sequence,
      (row) => presentMessage(row, citations),
    );
    return { status: 200, body: page };
  },
});

/** Routes of a conversation's messages. */
export const messageRoutes = [create, list];
