import { createHash, randomBytes } from 'node:crypto';
import { apiKeyCreatedSchema, apiKeySchema, createApiKeySchema } from '../../contracts/api-key.ts';
import type { ApiKey as ShownKey } from '../../contracts/api-key.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import { ApiKey } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';

const tag = 'API keys';

const create = defineRoute({
  method: 'POST',
  path: '/api-keys',
  tag,
  summary: 'Create a key; it is shown in this answer and never again',
  scope: 'keys:write',
  body: createApiKeySchema,
  idempotent: true,
  redact: (body) => ({ ...apiKeyCreatedSchema.parse(body), key: null }),
  responses: { 201: apiKeyCreatedSchema },
  example: { name: 'web shop', role: 'member', scopes: ['conversations:read', 'conversations:write'] },
  transaction: async (em, { body, principal }) => {
    if (body.expires_at !== null && new Date(body.expires_at) <= new Date())
      throw new PerdureError('bad_request', 'body.expires_at: lies in the past', {
        errors: [{ path: 'body.expires_at', message: 'lies in the past' }],
      });
    const key = `pk_${randomBytes(32).toString('base64url')}`;
    const row = em.create(ApiKey, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      name: body.name,
      prefix: key.slice(0, 8),
      keyHash: createHash('sha256').update(key).digest(),
      role: body.role,
      scopes: body.scopes,
      expiresAt: body.expires_at === null ? null : new Date(body.expires_at),
    });
    await em.flush();
    await em.refresh(row);
    return { status: 201, body: { ...present(row), key }, headers: { location: `/api-keys/${row.id}` } };
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/api-keys',
  tag,
  summary: 'List keys, newest first, those revoked included',
  scope: 'keys:read',
  query: pageQuerySchema,
  responses: { 200: pageOf(apiKeySchema) },
  transaction: async (em, { query: { limit, cursor } }) => {
    const beforeId = readCursor(cursor, uuidCursor);
    const rows = await em.find(ApiKey, beforeId === null ? {} : { id: { $lt: beforeId } }, {
      orderBy: { id: 'desc' },
      limit: limit + 1,
    });
    return { status: 200, body: toPage(rows, limit, (row) => row.id, present) };
  },
});

const revoke = defineRoute({
  method: 'DELETE',
  path: '/api-keys/{id}',
  tag,
  summary: 'Revoke a key; every replica refuses it within 5 seconds',
  scope: 'keys:write',
  params: idParamsSchema,
  responses: { 204: null },
  transaction: async (em, { params, principal }) => {
    const row = await em.findOne(ApiKey, { id: params.id });
    if (!row) throw notFound('API key');
    // Whoever revokes the key in their hand locks themselves out; another admin key must do that.
    if (row.id === principal.keyId)
      throw new PerdureError('conflict', 'This request is made with that very key. Revoke it with another admin key.');
    row.revokedAt ??= new Date();
    await em.flush();
    return { status: 204 };
  },
});

/** Routes of API keys. */
export const apiKeyRoutes = [create, list, revoke];

function present(row: ApiKey): ShownKey {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    role: row.role,
    scopes: row.scopes,
    last_used_at: presentOptionalTime(row.lastUsedAt ?? null),
    expires_at: presentOptionalTime(row.expiresAt ?? null),
    revoked_at: presentOptionalTime(row.revokedAt ?? null),
    created_at: presentTime(row.createdAt),
    updated_at: presentTime(row.updatedAt),
  };
}
