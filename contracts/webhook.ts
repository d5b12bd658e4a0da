import { z } from 'zod';
import { idField, jsonObjectField, timeField, timestampFields } from './fields.ts';
import { deliveryStates, testEvent, webhookEvents } from './names/webhook-events.ts';
import { pageQuerySchema } from './page.ts';

const urlField = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https:// or http://' })
  .max(2000)
  .describe('Where messages are sent by POST; a private address only if PERDURE_FETCH_ALLOW names it');

const eventsField = z
  .array(z.enum(webhookEvents))
  .min(1)
  .max(webhookEvents.length)
  .transform((events) => [...new Set(events)])
  .describe('What it is told of');

const secretField = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/, 'must be whsec_ and base64')
  .refine((secret) => {
    const { length } = Buffer.from(secret.slice('whsec_'.length), 'base64');
    return length >= 24 && length <= 64;
  }, 'must be of 24 to 64 bytes')
  .describe('Signs the messages; made if left out');

const fields = {
  url: urlField,
  events: eventsField,
  description: z.string().max(1000),
  is_enabled: z.boolean().describe('A webhook that is disabled is told of nothing'),
  disable_after_hours: z
    .int()
    .min(1)
    .max(8760)
    .nullable()
    .describe('It is disabled after so many hours without one message taken; null: never'),
};

/** An address that is told of events, without its secret. */
export const webhookSchema = z.strictObject({
  id: idField,
  url: z.string(),
  description: z.string(),
  events: z.array(z.enum(webhookEvents)),
  is_enabled: z.boolean(),
  disable_after_hours: z.int().nullable(),
  failing_since: timeField.nullable().describe('Since when every attempt has failed'),
  disabled_reason: z.string().nullable().describe('Why it was disabled, unless somebody did it'),
  previous_secret_until: timeField.nullable().describe('Until then messages are signed with the secret before, too'),
  ...timestampFields,
});

export type Webhook = z.infer<typeof webhookSchema>;

/** A webhook with the secret that was made or given, shown in this answer and never again. */
export const webhookWithSecretSchema = webhookSchema.extend({
  secret: z.string().nullable().describe('null where it was not changed, or the answer is replayed'),
});

/** Body of `POST /webhooks`. */
export const createWebhookSchema = z.strictObject({
  url: fields.url,
  events: fields.events,
  description: fields.description.default(''),
  secret: secretField.optional(),
  is_enabled: fields.is_enabled.default(true),
  disable_after_hours: fields.disable_after_hours.default(null),
});

/** Body of `PATCH /webhooks/{id}`; what is left out stays. */
export const updateWebhookSchema = z
  .strictObject({
    url: fields.url,
    events: fields.events,
    description: fields.description,
    secret: secretField.describe('A new secret; for a day messages are signed with the one before, too'),
    rotate_secret: z.literal(true).describe('Makes a new secret'),
    is_enabled: fields.is_enabled,
    disable_after_hours: fields.disable_after_hours,
  })
  .partial();

/** A message to one webhook. Its `id` is the `webhook-id` of every attempt. */
export const webhookDeliverySchema = z.strictObject({
  id: idField,
  webhook_id: idField,
  url: z.string().describe('Of the webhook as it is now'),
  event: z.enum([...webhookEvents, testEvent]),
  payload: jsonObjectField.describe('What is sent'),
  state: z.enum(deliveryStates).describe('dead: given up, and sent again only on request'),
  attempts: z.int(),
  last_status: z.int().nullable().describe('HTTP status of the last answer'),
  last_error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
  last_attempt_at: timeField.nullable(),
  delivered_at: timeField.nullable(),
  ...timestampFields,
});

export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;

/** Query of `GET /webhook-deliveries`. */
export const listDeliveriesQuerySchema = pageQuerySchema.extend({
  state: z.enum(deliveryStates).optional(),
  webhook: idField.optional(),
});
