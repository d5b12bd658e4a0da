import { ApplicationFailure } from '@temporalio/activity';
import type { EvaluationKey } from '../../entities/evaluations/evaluation-repository.ts';
import { writeItemChanges, type ItemChange } from '../../entities/evaluations/item-change-repository.ts';
import type { Database } from '../../platform/database.ts';

/** Writes what attempts at items have to say. */
export interface ChangeWriter {
  /**
   * Resolves once the change is committed; changes are committed in the order in which they were given. `lanes` says how many
   * items of the run are in work at once.
   * @throws ApplicationFailure `fenced` if the run has ended or another attempt has the item.
   */
  write(key: EvaluationKey, change: ItemChange, lanes?: number): Promise<void>;
}

type Waiting = { change: ItemChange; resolve: () => void; reject: (reason: unknown) => void };
type Line = {
  key: EvaluationKey;
  /** Items in work at once; 0 where nobody waits for what is written. */
  lanes: number;
  waiting: Waiting[];
  next: 'none' | 'late' | 'soon' | 'under way';
  timer?: NodeJS.Timeout;
};

const mostAtOnce = 200;
// What other lanes give within this time goes along: a transaction costs more than what is in it.
const gatherMs = 4;
// So that half of the lanes make their calls while what the others have to say is committed.
const groups = 2;

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

  async function pump(line: Line): Promise<void> {
    line.next = 'under way';
    await commit(line.key, line.waiting.splice(0, mostAtOnce));
    line.next = 'none';
    if (line.waiting.length === 0) lines.delete(line.key.evaluationId);
    else plan(line);
  }

  /** Has the next transaction begin in a moment, or at once when a group of lanes waits for it. */
  function plan(line: Line): void {
    if (line.next === 'none') {
      line.next = 'late';
      line.timer = setTimeout(() => void pump(line), gatherMs);
    }
    if (line.next !== 'late' || line.lanes === 0) return;
    const calls = line.waiting.reduce((sum, { change }) => sum + (change.start || change.begin ? 1 : 0), 0);
    if (calls * groups < line.lanes) return;
    line.next = 'soon';
    clearTimeout(line.timer);
    // What the lanes have to say in this round of the event loop goes along.
    setImmediate(() => void pump(line));
  }

  return {
    write(key, change, lanes = 0) {
      const line = lines.get(key.evaluationId) ?? { key, lanes, waiting: [], next: 'none' };
      lines.set(key.evaluationId, line);
      const written = new Promise<void>((resolve, reject) => line.waiting.push({ change, resolve, reject }));
      plan(line);
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
