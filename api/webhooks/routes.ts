import { randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { idParamsSchema } from '../../contracts/fields.ts';
import { testEvent } from '../../contracts/names/webhook-events.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import {
  createWebhookSchema,
  updateWebhookSchema,
  webhookDeliverySchema,
  webhookSchema,
  webhookWithSecretSchema,
} from '../../contracts/webhook.ts';
import { Webhook } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { findDelivery, queueTest } from '../../entities/webhooks/webhook-delivery-repository.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { given } from '../framework/resource-routes.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { deliveryRoutes, startDelivery } from './delivery-routes.ts';
import { presentDelivery, presentWebhook } from './present-webhook.ts';

const tag = 'Webhooks';
// Receivers change to a new secret when it suits them.
const bothSecretsMs = 24 * 60 * 60 * 1000;

const create = defineRoute({
  method: 'POST',
  path: '/webhooks',
  tag,
  summary: 'Have an address told of events; its secret is shown in this answer and never again',
  description:
    'Messages are JSON of `type`, `timestamp` and `data`, signed as Standard Webhooks 1.0 says, sent again for a day and ' +
    'a half until a 2xx takes them, and may come more than once: the header `webhook-id` tells them apart.',
  scope: 'configuration:write',
  body: createWebhookSchema,
  idempotent: true,
  redact: (body) => ({ ...webhookWithSecretSchema.parse(body), secret: null }),
  responses: { 201: webhookWithSecretSchema },
  example: { url: 'https://example.com/perdure', events: ['job.failed', 'evaluation.completed'] },
  transaction: async (em, { body, principal }, deps) => {
    const secret = body.secret ?? newSecret();
    const row = em.create(Webhook, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      url: body.url,
      description: body.description,
      events: body.events,
      secret: deps.seal(secret),
      isEnabled: body.is_enabled,
      disableAfterHours: body.disable_after_hours,
    });
    await em.flush();
    await em.refresh(row);
    return { status: 201, body: { ...presentWebhook(row), secret }, headers: { location: `/webhooks/${row.id}` } };
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/webhooks',
  tag,
  summary: 'List webhooks, newest first',
  scope: 'configuration:read',
  query: pageQuerySchema,
  responses: { 200: pageOf(webhookSchema) },
  transaction: async (em, { query: { limit, cursor } }) => {
    const beforeId = readCursor(cursor, uuidCursor);
    const rows = await em.find(
      Webhook,
      { deletedAt: null, ...(beforeId === null ? {} : { id: { $lt: beforeId } }) },
      { orderBy: { id: 'desc' }, limit: limit + 1 },
    );
    return { status: 200, body: toPage(rows, limit, (row) => row.id, presentWebhook) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/webhooks/{id}',
  tag,
  summary: 'One webhook',
  scope: 'configuration:read',
  params: idParamsSchema,
  responses: { 200: webhookSchema },
  transaction: async (em, { params }) => ({ status: 200, body: presentWebhook(await find(em, params.id)) }),
});

const update = defineRoute({
  method: 'PATCH',
  path: '/webhooks/{id}',
  tag,
  summary: 'Change a webhook or its secret; what is left out stays',
  description: 'A new secret is shown in this answer. Enabling a webhook forgets since when it has failed.',
  scope: 'configuration:write',
  params: idParamsSchema,
  body: updateWebhookSchema,
  responses: { 200: webhookWithSecretSchema },
  example: { events: ['job.failed'], rotate_secret: true },
  transaction: async (em, { params, body }, deps) => {
    const row = await find(em, params.id);
    const secret = body.secret ?? (body.rotate_secret ? newSecret() : null);
    em.assign(
      row,
      given({
        url: body.url,
        description: body.description,
        events: body.events,
        isEnabled: body.is_enabled,
        disableAfterHours: body.disable_after_hours,
      }),
    );
    if (body.is_enabled !== undefined) em.assign(row, { failingSince: null, disabledReason: null });
    if (secret !== null)
      em.assign(row, {
        previousSecret: row.secret,
        previousSecretUntil: new Date(Date.now() + bothSecretsMs),
        secret: deps.seal(secret),
      });
    await em.flush();
    await em.refresh(row);
    return { status: 200, body: { ...presentWebhook(row), secret } };
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/webhooks/{id}',
  tag,
  summary: 'Delete a webhook; what is on its way to it is given up',
  scope: 'configuration:write',
  params: idParamsSchema,
  responses: { 204: null },
  transaction: async (em, { params }) => {
    const row = await find(em, params.id);
    row.deletedAt = new Date();
    await em.flush();
    return { status: 204 };
  },
});

const test = defineRoute({
  method: 'POST',
  path: '/webhooks/{id}/test',
  tag,
  summary: 'Send a message of the type webhook.test',
  description: 'GET /webhook-deliveries/{id} says what became of it. A webhook that is disabled is sent nothing.',
  scope: 'configuration:write',
  params: idParamsSchema,
  idempotent: true,
  responses: { 202: webhookDeliverySchema },
  transaction: async (em, { params, principal: { workspaceId } }) => {
    const { id: webhookId } = await find(em, params.id);
    const deliveryId = uuidV7();
    await queueTest(em, { workspaceId, deliveryId, webhookId, event: testEvent });
    const written = await findDelivery(em, deliveryId);
    if (!written) throw notFound('delivery');
    return { status: 202, body: presentDelivery(written) };
  },
  afterCommit: startDelivery,
});

/** Routes of webhooks and of the messages to them. */
export const webhookRoutes = [create, list, get, update, remove, test, ...deliveryRoutes];

async function find(em: EntityManager, id: string): Promise<Webhook> {
  const row = await em.findOne(Webhook, { id, deletedAt: null });
  if (row === null) throw notFound('webhook');
  return row;
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}
