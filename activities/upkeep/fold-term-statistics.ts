import { foldTermStatistics as fold } from '../../entities/search/term-statistics-repository.ts';
import type { Database } from '../../platform/database.ts';

// A transaction of so many takes about a second.
const deltasPerTransaction = 1000;
const transactionsPerStep = 10;

/**
 * Folds what publishing and deleting have added to the statistics of terms, so that searches need not sum it up; returns
 * how many deltas. Nothing waits for it, and what searches compute with stays the same.
 */
export function createFoldTermStatistics(deps: { database: Database }): () => Promise<{ folded: number }> {
  return async function foldTermStatistics() {
    let folded = 0;
    for (let step = 0; step < transactionsPerStep; step += 1) {
      const count = await deps.database.asOperator((em) => fold(em, deltasPerTransaction));
      folded += count;
      if (count < deltasPerTransaction) break;
    }
    return { folded };
  };
}
