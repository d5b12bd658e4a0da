import type { EntityManager } from '@mikro-orm/postgresql';
import { putUserMemorySchema, userMemoryParamsSchema, userMemorySchema } from '../../contracts/user-memory.ts';
import { deleteUserMemory, findUserMemory, putUserMemory } from '../../entities/memory/user-memory-repository.ts';
import { actingUser } from '../framework/acting-user.ts';
import { presentTime } from '../framework/present-time.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';

const path = '/users/{external_id}/memory';
const tag = 'Users';

const get = defineRoute({
  method: 'GET',
  path,
  tag,
  summary: 'What is remembered of a user',
  scope: 'memory:read',
  params: userMemoryParamsSchema,
  responses: { 200: userMemorySchema },
  transaction: async (em, { params, user }) => ({ status: 200, body: await show(em, params.external_id, user) }),
});

const put = defineRoute({
  method: 'PUT',
  path,
  tag,
  summary: 'Replace what is remembered of a user',
  description: 'There is one row a user, whoever wrote it and however often.',
  scope: 'memory:write',
  params: userMemoryParamsSchema,
  body: putUserMemorySchema,
  example: { memory: 'Prefers short answers.' },
  responses: { 200: userMemorySchema },
  transaction: async (em, request) => {
    const { params, body, principal, user } = request;
    requireSame(params.external_id, user);
    const { workspaceId } = principal;
    const { id: userId } = await actingUser(em, request, params.external_id);
    await putUserMemory(em, { workspaceId, userId, memory: body.memory, metadata: body.metadata });
    return { status: 200, body: await show(em, params.external_id, user) };
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path,
  tag,
  summary: 'Forget a user',
  scope: 'memory:write',
  params: userMemoryParamsSchema,
  responses: { 204: null },
  transaction: async (em, { params, user }) => {
    requireSame(params.external_id, user);
    if (!(await deleteUserMemory(em, params.external_id))) throw notFound('memory');
    return { status: 204 };
  },
});

/** Routes of users' memories. */
export const userRoutes = [get, put, remove];

/** A request that acts for one user sees nothing of another. */
function requireSame(externalId: string, user: string | null): void {
  if (user !== null && user !== externalId) throw notFound('memory');
}

async function show(em: EntityManager, externalId: string, user: string | null) {
  requireSame(externalId, user);
  const row = await findUserMemory(em, externalId);
  if (!row) throw notFound('memory');
  return {
    user: row.user,
    memory: row.memory,
    metadata: row.metadata,
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}
