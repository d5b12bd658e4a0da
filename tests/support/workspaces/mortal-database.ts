import type { Database } from '../../../platform/database.ts';

/** A database through which a process can die, and come back. */
export interface MortalDatabase extends Database {
  /** How often the process has died. */
  readonly deaths: number;
}

// Every step that was under way has failed by then, as it would with its process.
const backAfterMs = 60;

/**
 * A database whose process dies where `dies` says so, before or after a transaction, or a statement of its own, of the given number (from 1): its effect
 * or its answer is lost, and nothing else reaches the database until the process is back.
 */
export function mortalDatabase(
  database: Database,
  dies: (transaction: number) => 'before' | 'after' | null,
): MortalDatabase {
  let transaction = 0;
  let deaths = 0;
  let isDead = false;
  const die = (): never => {
    isDead = true;
    deaths += 1;
    setTimeout(() => {
      isDead = false;
    }, backAfterMs);
    throw new Error('The process died.');
  };
  const alive = (): void => {
    if (isDead) throw new Error('The process is dead.');
  };
  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    alive();
    transaction += 1;
    const moment = dies(transaction);
    if (moment === 'before') die();
    const result = await work();
    if (moment === 'after') die();
    alive();
    return result;
  }
  return {
    ...database,
    get deaths() {
      return deaths;
    },
    inWorkspace: (workspaceId, work) => guarded(() => database.inWorkspace(workspaceId, work)),
    autocommit: (work) => guarded(() => database.autocommit(work)),
  };
}
