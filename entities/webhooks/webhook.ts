import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** An address that is told of events. */
export const Webhook = defineEntity({
  name: 'Webhook',
  tableName: 'webhooks',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    url: p.text(),
    description: p.text().default(''),
    events: p.array(),
    /** Sealed. */
    secret: p.text(),
    /** The secret before it, sealed: messages are signed with both until `previous_secret_until`. */
    previousSecret: p.text().nullable(),
    previousSecretUntil: p.datetime(6).nullable(),
    isEnabled: p.boolean().default(true),
    /** After so many hours without one success it is disabled; null: never. */
    disableAfterHours: p.integer().nullable(),
    /** Since when every attempt has failed. */
    failingSince: p.datetime(6).nullable(),
    /** Why it is disabled, if nobody did it by hand. */
    disabledReason: p.text().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [{ name: 'webhooks_workspace_id_id_key', properties: ['workspaceId', 'id'] }],
  checks: [
    { name: 'webhooks_disable_after_hours_check', expression: 'disable_after_hours > 0' },
    { name: 'webhooks_events_check', expression: 'cardinality(events) > 0' },
    {
      name: 'webhooks_previous_secret_check',
      expression: '(previous_secret IS NULL) = (previous_secret_until IS NULL)',
    },
  ],
  policies: workspacePolicies,
});

export type Webhook = InferEntity<typeof Webhook>;
