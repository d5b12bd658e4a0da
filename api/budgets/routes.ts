import type { EntityManager } from '@mikro-orm/postgresql';
import {
  budgetListSchema,
  budgetParamsSchema,
  budgetSchema,
  putBudgetSchema,
  type Budget,
} from '../../contracts/budget.ts';
import {
  deleteBudget,
  listBudgets,
  putBudget,
  sumUpBudget,
  type BudgetRow,
} from '../../entities/usage/budget-repository.ts';
import { resumeRefusedDocuments } from '../../entities/documents/resume-refused-documents.ts';
import { ensureUser } from '../../entities/tenancy/user-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';
import { requireReference } from '../framework/require-reference.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';

const tag = 'Budgets';

const list = defineRoute({
  method: 'GET',
  path: '/budgets',
  tag,
  summary: 'What a month may cost, and what this one has cost so far',
  scope: 'usage:read',
  responses: { 200: budgetListSchema },
  transaction: async (em) => ({ status: 200, body: { data: (await listBudgets(em, null)).map(presentBudget) } }),
});

const get = defineRoute({
  method: 'GET',
  path: '/budgets/{name}',
  tag,
  summary: 'One budget',
  scope: 'usage:read',
  params: budgetParamsSchema,
  responses: { 200: budgetSchema },
  transaction: async (em, { params }) => ({ status: 200, body: await show(em, params.name) }),
});

const put = defineRoute({
  method: 'PUT',
  path: '/budgets/{name}',
  tag,
  summary: 'Say what a workspace, an agent or a user may cost in a calendar month',
  description:
    'Webhooks are told at 80 and at 100 per cent (budget.warning, budget.exceeded), once for a month and an amount. ' +
    'Costs are summed up every few seconds from the calls that began in the month. With `on_exceeded: refuse` the most that ' +
    'a call of a model may cost is held back before it is made, and what it has cost is counted after: a call for which too ' +
    'little is left is refused (`budget_exhausted`), whoever makes it, so the amount is not passed. Once it is used up no ' +
    'turn begins. Documents that were refused for it are ingested again when the budget is put. What the calls of a model ' +
    'without a price cost is unknown, so they are neither counted nor refused: `warnings` names such models.',
  scope: 'configuration:write',
  params: budgetParamsSchema,
  body: putBudgetSchema,
  responses: { 200: budgetSchema },
  example: { amount: 500, currency: 'USD', on_exceeded: 'refuse' },
  transaction: async (em, { params, body, principal: { workspaceId } }) => {
    const id = await putBudget(em, {
      id: uuidV7(),
      workspaceId,
      name: params.name,
      agentId: body.agent === null ? null : await requireReference(em, 'agents', 'body.agent', body.agent),
      userId: body.user === null ? null : await ensureUser(em, { workspaceId, externalId: body.user, newId: uuidV7() }),
      amount: body.amount,
      currency: body.currency,
      timeZone: body.time_zone,
      onExceeded: body.on_exceeded,
    });
    // At once, so that a raised amount lets turns begin again.
    await sumUpBudget(em, id);
    await resumeRefusedDocuments(em, workspaceId);
    return { status: 200, body: await show(em, params.name) };
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/budgets/{name}',
  tag,
  summary: 'Delete a budget',
  scope: 'configuration:write',
  params: budgetParamsSchema,
  responses: { 204: null },
  transaction: async (em, { params }) => {
    if (!(await deleteBudget(em, params.name))) throw notFound('budget');
    return { status: 204 };
  },
});

/** Routes of budgets. */
export const budgetRoutes = [list, get, put, remove];

async function show(em: EntityManager, name: string): Promise<Budget> {
  const [row] = await listBudgets(em, name);
  if (!row) throw notFound('budget');
  return presentBudget(row);
}

function warningsOf({ unpriced, foreign, currency, on_exceeded: then }: BudgetRow): Budget['warnings'] {
  const consequence = then === 'refuse' ? 'neither counted nor refused' : 'not counted';
  return [
    ...(unpriced.length === 0
      ? []
      : [
          {
            code: 'models_without_price' as const,
            detail: `Calls of ${unpriced.join(', ')} are ${consequence}: give the model a price (PATCH /models/{id}, pricing).`,
          },
        ]),
    ...(foreign.length === 0
      ? []
      : [
          {
            code: 'models_in_other_currency' as const,
            detail: `Calls of ${foreign.join(', ')} are ${consequence}: the model's price is not in ${currency}. Put a budget in its currency beside this one.`,
          },
        ]),
  ];
}

function presentBudget(row: BudgetRow): Budget {
  return {
    id: row.id,
    name: row.name,
    amount: row.amount,
    currency: row.currency,
    agent_id: row.agent_id,
    user: row.user,
    time_zone: row.time_zone,
    on_exceeded: row.on_exceeded,
    spent: row.spent,
    held: row.held,
    unknown_calls: row.unknown_calls,
    period_start: presentOptionalTime(row.period_start),
    period_end: presentOptionalTime(row.period_end),
    warned_at: presentOptionalTime(row.warned_at),
    exceeded_at: presentOptionalTime(row.exceeded_at),
    refused_at: presentOptionalTime(row.refused_at),
    looked_at: presentOptionalTime(row.looked_at),
    warnings: warningsOf(row),
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}
