import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** The most tokens that a call may use. */
export type MostTokens = { input: number; output: number };

/** Why a call may not be made: a budget has less left than it may cost; amounts in the budget's currency. */
export type BudgetRefusal = { budget: string; currency: string; most: string; left: string };

/** That calls under way hold back what this one may cost: they may turn out to cost less. */
type BudgetWait = { waits: true };

/** Whether any budget of any workspace refuses calls. To be read as the operator. */
export async function hasRefusingBudgets(em: EntityManager): Promise<boolean> {
  const [row] = await query<{ found: boolean }>(
    em,
    `select exists (select from budgets where on_exceeded = 'refuse') as found`,
  );
  return row!.found;
}

/**
 * Holds back what a call may cost at most, in every budget that refuses and counts it; null says that it may be made. The
 * call's row is written before; a call without a price is never refused. One statement; may run without a workspace.
 */
export async function holdBudget(
  em: EntityManager,
  callId: string,
  most: MostTokens,
): Promise<BudgetRefusal | BudgetWait | null> {
  const [row] = await query<{ refusal: BudgetRefusal | BudgetWait | null }>(
    em,
    `select hold_budget($1, $2, $3) as refusal`,
    [callId, most.input, most.output],
  );
  return row!.refusal;
}
