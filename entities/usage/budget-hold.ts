import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/**
 * What a call may cost at most, held back in a budget that refuses until a sum counts what it has cost; 0 of a call that was
 * refused.
 */
export const BudgetHold = defineEntity({
  name: 'BudgetHold',
  tableName: 'budget_holds',
  properties: {
    workspaceId: p.uuid().primary(),
    budgetId: p.uuid().primary(),
    /** The id of its row in `usage_metrics`. */
    callId: p.uuid().primary(),
    amount: p.decimal().precision(20).scale(10),
    createdAt: createdAt(),
  },
  checks: [{ name: 'budget_holds_amount_check', expression: 'amount >= (0)::numeric' }],
  policies: workspacePolicies,
});

export type BudgetHold = InferEntity<typeof BudgetHold>;
