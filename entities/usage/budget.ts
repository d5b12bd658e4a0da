import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What a workspace, one of its agents or one of its users may cost in a calendar month. */
export const Budget = defineEntity({
  name: 'Budget',
  tableName: 'budgets',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    /** Only what the turns of this agent cost; null: of all. */
    agentId: p.uuid().nullable(),
    /** Only what the turns of this user cost; null: of all. */
    userId: p.uuid().nullable(),
    amount: p.decimal().precision(20).scale(10),
    currency: p.character().length(3),
    timeZone: p.text().default('UTC'),
    onExceeded: p.enum(['notify', 'refuse']).default('notify'),
    /** The month that the figures below are of. */
    periodStart: p.datetime(6).nullable(),
    periodEnd: p.datetime(6).nullable(),
    spent: p.decimal().precision(24).scale(10).defaultRaw('0'),
    /** What calls of the month may cost at most whose cost is not known, or not yet; only where it refuses. */
    held: p.decimal().precision(24).scale(10).defaultRaw('0'),
    /** When a call was last refused, because it might have cost more than is left. */
    refusedAt: p.datetime(6).nullable(),
    /** Calls of the month without a known cost: `spent` is a lower bound if there are any. */
    unknownCalls: p.integer().default(0),
    /** When 80 and 100 per cent of the amount were first seen to be reached in this month. */
    warnedAt: p.datetime(6).nullable(),
    exceededAt: p.datetime(6).nullable(),
    /** When it was last summed up, and how long that took. */
    lookedAt: p.datetime(6).nullable(),
    lookMs: p.integer().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [
    { name: 'budgets_workspace_id_name_key', properties: ['workspaceId', 'name'] },
    { name: 'budgets_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [
    { name: 'budgets_agent_id_idx', properties: ['workspaceId', 'agentId'] },
    { name: 'budgets_user_id_idx', properties: ['workspaceId', 'userId'] },
  ],
  checks: [
    { name: 'budgets_amount_check', expression: 'amount > (0)::numeric' },
    { name: 'budgets_held_check', expression: 'held >= (0)::numeric' },
    { name: 'budgets_look_ms_check', expression: 'look_ms >= 0' },
    { name: 'budgets_name_check', expression: `name <> ''::text` },
    { name: 'budgets_period_check', expression: '(period_start IS NULL) = (period_end IS NULL)' },
    { name: 'budgets_spent_check', expression: 'spent >= (0)::numeric' },
    { name: 'budgets_unknown_calls_check', expression: 'unknown_calls >= 0' },
  ],
  policies: workspacePolicies,
});

export type Budget = InferEntity<typeof Budget>;
