import { PerdureError } from '../../contracts/errors.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import {
  memoryVersionEntrySchema,
  memoryVersionParamsSchema,
  memoryVersionSchema,
  rollbackMemorySchema,
  userMemoryParamsSchema,
} from '../../contracts/user-memory.ts';
import { findMemoryVersion, listMemoryVersions, writeMemory } from '../../entities/memory/memory-version-repository.ts';
import { lockMemoryOwner } from '../../entities/memory/user-memory-repository.ts';
import { readCursor, sequenceCursor, toPage } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { findMemoryOwner } from './find-memory-owner.ts';
import { presentVersion, presentVersionEntry } from './present-memory.ts';

const path = '/users/{external_id}/memory';
const tag = 'Users';

const list = defineRoute({
  method: 'GET',
  path: `${path}/versions`,
  tag,
  summary: 'Versions of what is remembered of a user, newest first',
  description: 'The newest fifty are kept.',
  scope: 'memory:read',
  params: userMemoryParamsSchema,
  query: pageQuerySchema,
  responses: { 200: pageOf(memoryVersionEntrySchema) },
  transaction: async (em, { params, query, user }) => {
    const { userId } = await findMemoryOwner(em, params.external_id, user);
    const cursor = readCursor(query.cursor, sequenceCursor);
    const before = cursor === null ? null : Number(cursor);
    const rows = await listMemoryVersions(em, userId, { before, limit: query.limit + 1 });
    return { status: 200, body: toPage(rows, query.limit, ({ version }) => version, presentVersionEntry) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: `${path}/versions/{version}`,
  tag,
  summary: 'One version of what is remembered of a user',
  scope: 'memory:read',
  params: memoryVersionParamsSchema,
  responses: { 200: memoryVersionSchema },
  transaction: async (em, { params, user }) => {
    const { userId } = await findMemoryOwner(em, params.external_id, user);
    const row = await findMemoryVersion(em, userId, params.version);
    if (!row) throw notFound('version');
    return { status: 200, body: presentVersion(row) };
  },
});

const rollback = defineRoute({
  method: 'POST',
  path: `${path}/rollback`,
  tag,
  summary: 'Go back to a version of what is remembered of a user',
  description: 'Makes a new version with the text, the facts and the metadata of the old one; nothing is lost.',
  scope: 'memory:write',
  params: userMemoryParamsSchema,
  body: rollbackMemorySchema,
  example: {},
  responses: { 200: memoryVersionSchema },
  transaction: async (em, { params, body, principal, user }) => {
    const { userId } = await findMemoryOwner(em, params.external_id, user);
    const owner = await lockMemoryOwner(em, userId);
    if (!owner || owner.version === 0) throw notFound('memory');
    const [previous] = await listMemoryVersions(em, userId, { before: owner.version, limit: 1 });
    const version = body.version ?? previous?.version;
    if (version === undefined)
      throw new PerdureError('conflict', 'There is one version alone: nothing is there to go back to.');
    const row = await findMemoryVersion(em, userId, version);
    if (!row) throw new PerdureError('bad_request', `body.version: there is no version ${version} of this memory.`);
    const { memory, metadata, facts, tokens } = row;
    const { workspaceId } = principal;
    const detail = { restored: version, replaced: owner.version };
    const written = await writeMemory(em, {
      ...{ workspaceId, userId, memory, metadata, facts, tokens, detail },
      origin: 'rolled_back',
    });
    const made = await findMemoryVersion(em, userId, written);
    return { status: 200, body: presentVersion(made!) };
  },
});

/** Routes of the versions of users' memories. */
export const versionRoutes = [list, get, rollback];
