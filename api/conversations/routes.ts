import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { lockConversation } from '../../entities/conversations/conversation-repository.ts';
import { showBranch } from '../../entities/conversations/show-branch.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import {
  conversationSchema,
  createConversationSchema,
  listConversationsQuerySchema,
  updateConversationSchema,
} from '../../contracts/conversation.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf } from '../../contracts/page.ts';
import {
  createConversation,
  deleteConversation,
  listConversations,
  updateConversation,
} from '../../entities/conversations/conversation-record-repository.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import { findUser } from '../../entities/tenancy/user-repository.ts';
import { actingUser } from '../framework/acting-user.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { requireReference } from '../framework/require-reference.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { endReplaced } from './accept-user-message.ts';
import { eventsRoute } from './events-route.ts';
import { exportRoute } from './export-route.ts';
import { findVisibleConversation } from './find-visible-conversation.ts';
import { againRoutes } from './again-routes.ts';
import { messageRoutes } from './message-routes.ts';
import { presentConversation } from './present-conversation.ts';

const create = defineRoute({
  method: 'POST',
  path: '/conversations',
  tag: 'Conversations',
  summary: 'Open a conversation of a user with an agent',
  scope: 'conversations:write',
  body: createConversationSchema,
  idempotent: true,
  responses: { 201: conversationSchema },
  example: { agent: 'assistant', user: 'ada' },
  transaction: async (em, request) => {
    const { body, principal } = request;
    const agentId = await requireReference(em, 'agents', 'body.agent', body.agent);
    const user = await actingUser(em, request, body.user);
    const id = uuidV7();
    const { workspaceId } = principal;
    await createConversation(em, {
      id,
      workspaceId,
      agentId,
      userId: user.id,
      title: body.title,
      metadata: body.metadata,
    });
    const conversation = await findVisibleConversation(em, id, null);
    return { status: 201, body: presentConversation(conversation), headers: { location: `/conversations/${id}` } };
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/conversations',
  tag: 'Conversations',
  summary: 'List conversations, newest first',
  scope: 'conversations:read',
  query: listConversationsQuerySchema,
  responses: { 200: pageOf(conversationSchema) },
  transaction: async (em, { query, user }) => {
    const named = query.user ?? user;
    const userId = named === null ? null : await findUser(em, named);
    const agentId = query.agent === undefined ? null : await findNamedId(em, 'agents', query.agent);
    const beforeId = readCursor(query.cursor, uuidCursor);
    if ((named !== null && userId === null) || (query.agent !== undefined && agentId === null))
      return { status: 200, body: { data: [], next_cursor: null } };
    const isArchived = query.is_archived ?? null;
    const rows = await listConversations(em, { userId, agentId, isArchived, beforeId, limit: query.limit + 1 });
    return { status: 200, body: toPage(rows, query.limit, (row) => row.id, presentConversation) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/conversations/{id}',
  tag: 'Conversations',
  summary: 'One conversation',
  scope: 'conversations:read',
  params: idParamsSchema,
  responses: { 200: conversationSchema },
  transaction: async (em, { params, user }) => ({
    status: 200,
    body: presentConversation(await findVisibleConversation(em, params.id, user)),
  }),
});

const update = defineRoute({
  method: 'PATCH',
  path: '/conversations/{id}',
  tag: 'Conversations',
  summary: 'Rename, archive or restore a conversation, or show another branch of it',
  description: 'An archived conversation takes no further message until it is restored.',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: updateConversationSchema,
  example: { title: 'Opening hours', is_archived: false },
  responses: { 200: conversationSchema },
  transaction: async (em, { params, body, user, principal }) => {
    await findVisibleConversation(em, params.id, user);
    if (body.active_message_id !== undefined)
      await requireBranch(em, principal.workspaceId, params.id, body.active_message_id);
    await updateConversation(em, params.id, {
      ...(body.title === undefined ? {} : { title: body.title }),
      ...(body.is_archived === undefined ? {} : { isArchived: body.is_archived }),
      ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
    });
    return { status: 200, body: presentConversation(await findVisibleConversation(em, params.id, user)) };
  },
});

async function requireBranch(
  em: EntityManager,
  workspaceId: string,
  conversationId: string,
  messageId: string,
): Promise<void> {
  await lockConversation(em, { workspaceId, conversationId });
  if (await showBranch(em, conversationId, messageId)) return;
  const message = 'there is no such message in this conversation';
  throw new PerdureError('bad_request', `body.active_message_id: ${message}`, {
    errors: [{ path: 'body.active_message_id', message }],
  });
}

const remove = defineRoute({
  method: 'DELETE',
  path: '/conversations/{id}',
  tag: 'Conversations',
  summary: 'Delete a conversation; turns that are not finished are cancelled',
  scope: 'conversations:write',
  params: idParamsSchema,
  responses: { 204: null },
  transaction: async (em, { params, user, principal }, deps) => {
    await findVisibleConversation(em, params.id, user);
    const deleted = await deleteConversation(em, params.id);
    if (!deleted) throw notFound('conversation');
    const { agentId, turns } = deleted;
    const conversation = { conversation_id: params.id, agent_id: agentId };
    return { status: 204, afterCommit: () => endReplaced(deps, principal, conversation, turns) };
  },
});

/** Routes of conversations and their messages. */
export const conversationRoutes = [
  create,
  list,
  get,
  update,
  remove,
  eventsRoute,
  exportRoute,
  ...messageRoutes,
  ...againRoutes,
];
