import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/activity';
import type { EvaluationKey } from '../../entities/evaluations/evaluation-repository.ts';
import { writeItemChanges, type ItemChange } from '../../entities/evaluations/item-change-repository.ts';
import type { Database } from '../../platform/database.ts';

/** Writes what attempts at items have to say. */
export interface ChangeWriter {
  /**
   * Resolves once the change is committed; changes are committed in the order in which they were given.
   * @throws ApplicationFailure `fenced` if the run has ended or another attempt has the item.
   */
  write(key: EvaluationKey, change: ItemChange): Promise<void>;
}

type Waiting = { change: ItemChange; resolve: () => void; reject: (reason: unknown) => void };
type Line = { waiting: Waiting[]; isBusy: boolean };

const mostAtOnce = 200;
// What other lanes give within this time goes along: a transaction costs more than what is in it.
const gatherMs = 4;

/**
 * Makes the writer of one process. What comes while a transaction of the run is under way, and a moment longer, is gathered
 * for the next: one for each change would cost more than an instant model does. Nobody is told: who watches a run counts
 * all its items, every two seconds and when it ends.
 */
export function createChangeWriter(database: Pick<Database, 'autocommit'>): ChangeWriter {
  const lines = new Map<string, Line>();

  async function commit(key: EvaluationKey, batch: readonly Waiting[]): Promise<void> {
    const changes = batch.map(({ change }) => change);
    try {
      const written = await database.autocommit((em) => writeItemChanges(em, key, changes));
      for (const { change, resolve, reject } of batch)
        if (written.has(change)) resolve();
        else reject(itemFenced());
    } catch (error) {
      if (batch.length === 1 || !isOfTheData(error)) return batch.forEach(({ reject }) => reject(error));
      // One that the database refuses must not take the others with it.
      for (const one of batch) await commit(key, [one]);
    }
  }

  async function pump(key: EvaluationKey, line: Line): Promise<void> {
    line.isBusy = true;
    while (line.waiting.length > 0) {
      await setTimeout(gatherMs);
      await commit(key, line.waiting.splice(0, mostAtOnce));
    }
    line.isBusy = false;
    lines.delete(key.evaluationId);
  }

  return {
    write(key, change) {
      const line = lines.get(key.evaluationId) ?? { waiting: [], isBusy: false };
      lines.set(key.evaluationId, line);
      const written = new Promise<void>((resolve, reject) => line.waiting.push({ change, resolve, reject }));
      if (!line.isBusy) void pump(key, line);
      return written;
    },
  };
}

/** Thrown when the run has ended, or another attempt has taken the item over. */
export function itemFenced(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'fenced',
    message: 'This run has ended, or another attempt works on the item; this one stopped and wrote nothing more.',
    nonRetryable: true,
  });
}

// SQLSTATE classes 22 and 23: data that the tables refuse.
function isOfTheData(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^2[23][0-9A-Z]{3}$/.test(String(error.code));
}
