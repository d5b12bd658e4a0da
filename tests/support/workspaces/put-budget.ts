import { v7 } from 'uuid';
import { resumeRefusedDocuments } from '../../../entities/documents/resume-refused-documents.ts';
import { putBudget, sumUpBudget } from '../../../entities/usage/budget-repository.ts';
import type { Database } from '../../../platform/database.ts';

/** Puts the budget of a workspace's month that refuses, in US dollars, as the API does; returns how many documents it resumes. */
export function putBudgetOf(database: Database, workspaceId: string, amount: number): Promise<number> {
  return database.inWorkspace(workspaceId, async (em) => {
    const budget = { id: v7(), workspaceId, name: 'month', agentId: null, userId: null, currency: 'USD' };
    await sumUpBudget(em, await putBudget(em, { ...budget, amount, timeZone: 'UTC', onExceeded: 'refuse' }));
    return resumeRefusedDocuments(em, workspaceId);
  });
}
