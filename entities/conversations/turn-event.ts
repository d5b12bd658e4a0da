import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One entry of the stream log that clients follow. */
export const TurnEvent = defineEntity({
  name: 'TurnEvent',
  tableName: 'turn_events',
  properties: {
    turnId: p.uuid().primary(),
    seq: p.bigint('number').primary(),
    workspaceId: p.uuid(),
    attempt: p.integer(),
    kind: p.text(),
    data: p.json<Record<string, unknown>>(),
    createdAt: createdAt(),
  },
  checks: [{ name: 'turn_events_seq_check', expression: 'seq > 0' }],
  policies: workspacePolicies,
});

export type TurnEvent = InferEntity<typeof TurnEvent>;
