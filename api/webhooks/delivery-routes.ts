import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf } from '../../contracts/page.ts';
import { listDeliveriesQuerySchema, webhookDeliverySchema } from '../../contracts/webhook.ts';
import { findDelivery, listDeliveries, reviveDelivery } from '../../entities/webhooks/webhook-delivery-repository.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { defineRoute, type Reply, type RouteDeps } from '../framework/route.ts';
import type { Principal } from '../framework/scope.ts';
import { notFound } from '../framework/validate-request.ts';
import { presentDelivery } from './present-webhook.ts';

const tag = 'Webhooks';

const list = defineRoute({
  method: 'GET',
  path: '/webhook-deliveries',
  tag,
  summary: 'List messages to webhooks, newest first; with state=dead the dead letters',
  scope: 'configuration:read',
  query: listDeliveriesQuerySchema,
  responses: { 200: pageOf(webhookDeliverySchema) },
  transaction: async (em, { query }) => {
    const rows = await listDeliveries(em, {
      state: query.state ?? null,
      webhookId: query.webhook ?? null,
      afterId: readCursor(query.cursor, uuidCursor),
      limit: query.limit + 1,
    });
    return { status: 200, body: toPage(rows, query.limit, (row) => row.id, presentDelivery) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/webhook-deliveries/{id}',
  tag,
  summary: 'One message to a webhook, and what became of it',
  scope: 'configuration:read',
  params: idParamsSchema,
  responses: { 200: webhookDeliverySchema },
  transaction: async (em, { params }) => {
    const row = await findDelivery(em, params.id);
    if (!row) throw notFound('delivery');
    return { status: 200, body: presentDelivery(row) };
  },
});

const redeliver = defineRoute({
  method: 'POST',
  path: '/webhook-deliveries/{id}/redeliver',
  tag,
  summary: 'Send a message once more that was delivered or given up, under the same webhook-id',
  scope: 'configuration:write',
  params: idParamsSchema,
  idempotent: true,
  responses: { 202: webhookDeliverySchema },
  problems: [409],
  transaction: async (em, { params }) => {
    const isRevived = await reviveDelivery(em, params.id);
    const row = await findDelivery(em, params.id);
    if (!row) throw notFound('delivery');
    if (!isRevived)
      throw new PerdureError('conflict', 'The message is on its way. Wait until it is taken or given up.');
    return { status: 202, body: presentDelivery(row) };
  },
  afterCommit: startDelivery,
});

/** Brings an answered delivery to its workflow; if that fails, the sweep does. */
export async function startDelivery(
  reply: Reply,
  { principal: { workspaceId } }: { principal: Principal },
  deps: RouteDeps,
): Promise<void> {
  const { id: deliveryId } = webhookDeliverySchema.parse(reply.body);
  await deps.starter.startDelivery({ workspaceId, deliveryId });
}

/** Routes of messages to webhooks. */
export const deliveryRoutes = [list, get, redeliver];
