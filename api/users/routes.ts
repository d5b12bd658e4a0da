import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { putUserMemorySchema, userMemoryParamsSchema, userMemorySchema } from '../../contracts/user-memory.ts';
import { writeMemory } from '../../entities/memory/memory-version-repository.ts';
import { findUserMemory, forgetUser, lockMemoryOwner } from '../../entities/memory/user-memory-repository.ts';
import { actingUser } from '../framework/acting-user.ts';
import { defineRoute, type RouteDeps } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { findMemoryOwner, requireSame } from './find-memory-owner.ts';
import { presentMemory } from './present-memory.ts';
import { settingsRoutes } from './settings-routes.ts';
import { versionRoutes } from './version-routes.ts';

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
  transaction: async (em, { params, user }, deps) => {
    requireSame(params.external_id, user);
    return { status: 200, body: await show(em, params.external_id, deps) };
  },
});

const put = defineRoute({
  method: 'PUT',
  path,
  tag,
  summary: 'Replace what is remembered of a user',
  description:
    'There is one row a user, whoever wrote it and however often; each change is a version. Lines that were learned and ' +
    'stay as they are keep what is known of them.',
  scope: 'memory:write',
  params: userMemoryParamsSchema,
  body: putUserMemorySchema,
  example: { memory: 'Prefers short answers.' },
  responses: { 200: userMemorySchema },
  transaction: async (em, request, deps) => {
    const { params, body, principal, user } = request;
    requireSame(params.external_id, user);
    const { workspaceId } = principal;
    const { id: userId } = await actingUser(em, request, params.external_id);
    const owner = await lockMemoryOwner(em, userId);
    if (!owner) throw notFound('memory');
    if (body.if_version !== undefined && body.if_version !== owner.version)
      throw new PerdureError(
        'conflict',
        `The memory has version ${owner.version} now, not ${body.if_version}: read it again, and write your change anew.`,
      );
    const { memory, metadata } = body;
    const { tokens, facts } = deps.memory.describe(memory, owner.facts);
    const cap = owner.capTokens ?? deps.memory.capTokens;
    if (tokens > cap)
      throw new PerdureError(
        'memory_too_long',
        `The memory has about ${tokens} tokens, and the cap is ${cap}: shorten it, or give the user a higher cap.`,
      );
    const isSame = memory === owner.memory && JSON.stringify(metadata) === JSON.stringify(owner.metadata);
    if (owner.version === 0 || !isSame)
      await writeMemory(em, { workspaceId, userId, memory, metadata, facts, tokens, origin: 'written', detail: {} });
    return { status: 200, body: await show(em, params.external_id, deps) };
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path,
  tag,
  summary: 'Forget a user',
  description: 'All versions are deleted too, and nothing is learned any more from what the user has said until now.',
  scope: 'memory:write',
  params: userMemoryParamsSchema,
  responses: { 204: null },
  transaction: async (em, { params, user }) => {
    const owner = await findMemoryOwner(em, params.external_id, user);
    await lockMemoryOwner(em, owner.userId);
    if (!(await forgetUser(em, owner.userId))) throw notFound('memory');
    return { status: 204 };
  },
});

/** Routes of users' memories. */
export const userRoutes = [get, put, remove, ...versionRoutes, ...settingsRoutes];

async function show(em: EntityManager, externalId: string, { memory }: Pick<RouteDeps, 'memory'>) {
  const row = await findUserMemory(em, externalId);
  if (!row) throw notFound('memory');
  return presentMemory(row, memory.capTokens);
}
