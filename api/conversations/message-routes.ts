import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { createMessageSchema, listMessagesQuerySchema, messageSchema } from '../../contracts/message.ts';
import { pageOf } from '../../contracts/page.ts';
import { messageAcceptedSchema } from '../../contracts/turn.ts';
import { turnStreamEventSchema } from '../../contracts/turn-stream.ts';
import { listMessages } from '../../entities/conversations/conversation-repository.ts';
import { listCitations } from '../../entities/conversations/turn-repository.ts';
import { readCursor, sequenceCursor, toPage } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { eventStreamType } from '../streams/event-stream.ts';
import { acceptUserMessage, followAccepted, submitAccepted } from './accept-user-message.ts';
import { findVisibleConversation } from './find-visible-conversation.ts';
import { findVisibleMessage } from './find-visible-message.ts';
import { presentMessage } from './present-message.ts';

const create = defineRoute({
  method: 'POST',
  path: '/conversations/{id}/messages',
  tag: 'Conversations',
  summary: 'Send a message; its turn answers it',
  description:
    'Answers 202 once the message and its turn are committed: from then on the turn is served whatever crashes. Follow ' +
    'it at /turns/{id}/events. The same client_message_id again is the same message. With `accept: text/event-stream` the ' +
    'answer is that stream: its first event, `accepted`, is the body of the 202, and has no id; the others are those of ' +
    '/turns/{id}/events, where it is taken up again when it breaks.',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: createMessageSchema,
  idempotent: true,
  responses: {
    200: {
      mediaType: eventStreamType,
      description: 'Asked for by `accept`: events as TurnEvent describes them, behind `accepted`',
      item: turnStreamEventSchema,
    },
    202: messageAcceptedSchema,
  },
  problems: [402, 409, 422],
  example: { content: 'When is the office open?', client_message_id: 'm-1' },
  isQuick: true,
  transaction: async (em, request, deps) => {
    const { params, user } = request;
    // Without an end user to compare with, the lock that follows finds out whether there is such a conversation.
    if (user !== null) await findVisibleConversation(em, params.id, user);
    return acceptUserMessage(em, request, deps, { conversationId: params.id });
  },
  afterCommit: submitAccepted,
  follow: followAccepted,
});

const edit = defineRoute({
  method: 'POST',
  path: '/messages/{id}/edit',
  tag: 'Conversations',
  summary: "Put another message in the place of a user's message",
  description:
    'The new message stands beside the old one and begins a branch, which is shown from then on; nothing is lost. Show ' +
    'the old branch again with PATCH /conversations/{id} and active_message_id.',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: createMessageSchema,
  idempotent: true,
  responses: { 202: messageAcceptedSchema },
  problems: [402, 409, 422],
  example: { content: 'When is the office closed?' },
  transaction: async (em, request, deps) => {
    const { params, user } = request;
    const message = await findVisibleMessage(em, params.id, user);
    if (message.sender !== 'user')
      throw new PerdureError(
        'bad_request',
        "Only a user's message can be edited. To get another answer, regenerate it.",
      );
    return acceptUserMessage(em, request, deps, { conversationId: message.conversation_id, edits: message.id });
  },
  afterCommit: submitAccepted,
});

const list = defineRoute({
  method: 'GET',
  path: '/conversations/{id}/messages',
  tag: 'Conversations',
  summary: 'The messages of a conversation with their citations, oldest first',
  scope: 'conversations:read',
  params: idParamsSchema,
  query: listMessagesQuerySchema,
  responses: { 200: pageOf(messageSchema) },
  transaction: async (em, { params, query, user }) => {
    await findVisibleConversation(em, params.id, user);
    const after = Number(readCursor(query.cursor, sequenceCursor) ?? 0);
    const rows = await listMessages(em, params.id, after, query.limit + 1, query.branch === 'active');
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
export const messageRoutes = [create, list, edit];
