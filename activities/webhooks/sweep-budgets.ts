import { claimDueBudgets, sumUpBudget } from '../../entities/usage/budget-repository.ts';
import type { Database } from '../../platform/database.ts';

const atOnce = 50;

/** Sums up budgets that are due, each in a transaction of its own; returns how many limits were reached. */
export function createSweepBudgets(deps: { database: Database }): () => Promise<{ swept: number }> {
  return async function sweepBudgets() {
    const due = await deps.database.asOperator((em) => claimDueBudgets(em, atOnce));
    let swept = 0;
    for (const { id } of due) swept += await deps.database.asOperator((em) => sumUpBudget(em, id));
    return { swept };
  };
}
