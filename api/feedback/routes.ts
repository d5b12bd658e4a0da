import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import {
  feedbackSchema,
  feedbackUserQuerySchema,
  listFeedbackQuerySchema,
  putFeedbackSchema,
} from '../../contracts/feedback.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf } from '../../contracts/page.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import {
  deleteFeedback,
  listFeedback,
  putFeedback,
  type FeedbackRow,
} from '../../entities/conversations/feedback-repository.ts';
import { findMessage } from '../../entities/conversations/message-repository.ts';
import { findUser } from '../../entities/tenancy/user-repository.ts';
import { findVisibleConversation } from '../conversations/find-visible-conversation.ts';
import { actingUser } from '../framework/acting-user.ts';
import { readCursor, toPage } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { presentFeedback } from './present-feedback.ts';

const placeCursor = /^\d{1,16}\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/[^]{1,255}$/;
const everything = { conversationId: null, agentId: null, visibleTo: null, rating: null, after: null };

const put = defineRoute({
  method: 'PUT',
  path: '/messages/{id}/feedback',
  tag: 'Feedback',
  summary: 'Say what a user thinks of an answer; again replaces it',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: putFeedbackSchema,
  example: { rating: 1, comment: 'Exactly what I needed' },
  responses: { 200: feedbackSchema },
  transaction: async (em, request) => {
    const { params, body, principal, user } = request;
    const message = await findVisibleMessage(em, params.id, user);
    if (message.sender !== 'assistant')
      throw new PerdureError('bad_request', 'Feedback is given to answers. This message is a question of a user.');
    const giver = await actingUser(em, request, body.user ?? user ?? message.user);
    const { workspaceId } = principal;
    const { rating, comment } = body;
    await putFeedback(em, { workspaceId, messageId: params.id, userId: giver.id, rating, comment });
    const filter = { ...everything, messageId: params.id, user: giver.externalId, limit: 1 };
    const [row] = await listFeedback(em, filter);
    return { status: 200, body: presentFeedback(row!) };
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/messages/{id}/feedback',
  tag: 'Feedback',
  summary: "Take a user's feedback back",
  scope: 'conversations:write',
  params: idParamsSchema,
  query: feedbackUserQuerySchema,
  responses: { 204: null },
  transaction: async (em, { params, query, user }) => {
    const message = await findVisibleMessage(em, params.id, user);
    const userId = await findUser(em, query.user ?? user ?? message.user);
    if (userId === null || !(await deleteFeedback(em, params.id, userId))) throw notFound('feedback');
    return { status: 204 };
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/feedback',
  tag: 'Feedback',
  summary: 'What users think of answers, newest first',
  scope: 'conversations:read',
  query: listFeedbackQuerySchema,
  responses: { 200: pageOf(feedbackSchema) },
  transaction: async (em, { query, user }) => {
    const visibleTo = user === null ? null : await findUser(em, user);
    const agentId = query.agent === undefined ? null : await findNamedId(em, 'agents', query.agent);
    if ((user !== null && visibleTo === null) || (query.agent !== undefined && agentId === null))
      return { status: 200, body: { data: [], next_cursor: null } };
    const [micros = '', messageId = '', ...giver] = readCursor(query.cursor, placeCursor)?.split('/') ?? [];
    const rows = await listFeedback(em, {
      messageId: query.message ?? null,
      conversationId: query.conversation ?? null,
      agentId,
      user: query.user ?? null,
      visibleTo,
      rating: query.rating === undefined ? null : (Number(query.rating) as 1 | -1),
      after: micros === '' ? null : { createdMicros: Number(micros), messageId, user: giver.join('/') },
      limit: query.limit + 1,
    });
    const place = (row: FeedbackRow) => `${row.created_micros}/${row.message_id}/${row.user}`;
    return { status: 200, body: toPage(rows, query.limit, place, presentFeedback) };
  },
});

async function findVisibleMessage(em: EntityManager, id: string, user: string | null) {
  const message = await findMessage(em, id);
  if (!message) throw notFound('message');
  const conversation = await findVisibleConversation(em, message.conversation_id, user);
  return { sender: message.sender, user: conversation.user };
}

/** Routes of feedback on answers. */
export const feedbackRoutes = [put, remove, list];
