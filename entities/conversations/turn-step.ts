import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { workspacePolicies } from '../workspace-policies.ts';

/** One step of a turn: a retrieval, the choice of a topic, a call of the model, a summary of older turns. */
export const TurnStep = defineEntity({
  name: 'TurnStep',
  tableName: 'turn_steps',
  properties: {
    turnId: p.uuid().primary(),
    step: p.integer().primary(),
    workspaceId: p.uuid(),
    kind: p.enum(['retrieve', 'route', 'model', 'summarize']),
    state: p.enum(['running', 'succeeded', 'failed']),
    attempt: p.integer(),
    request: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    response: p.json<Record<string, unknown>>().nullable(),
    startedAt: p.datetime(6).defaultRaw('now()'),
    completedAt: p.datetime(6).nullable(),
  },
  checks: [{ name: 'turn_steps_step_check', expression: 'step >= 0' }],
  policies: workspacePolicies,
});

export type TurnStep = InferEntity<typeof TurnStep>;
