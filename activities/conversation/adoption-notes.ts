import { noteAdoptions, type ActivityRun } from '../../entities/conversations/turn-lease-repository.ts';
import type { Database } from '../../platform/database.ts';

// What is not noted costs a sweep that finds nothing to do, five seconds later: there is time to gather many.
const gatherMs = 500;

type Adopted = { turnId: string; run: ActivityRun };

/** Notes which activities have turns that were begun early, many in one statement. */
export interface AdoptionNotes {
  /** Notes one soon. */
  add(turnId: string, run: ActivityRun): void;
  write(adopted: readonly Adopted[]): Promise<void>;
  /** Writes what was gathered. */
  flush(): Promise<void>;
}

/** Makes the notes of one process; what could not be written is left to the sweep. */
export function createAdoptionNotes(database: Database): AdoptionNotes {
  let gathered: Adopted[] = [];
  let timer: NodeJS.Timeout | null = null;

  async function write(adopted: readonly Adopted[]): Promise<void> {
    const busy = new Set(await database.asOperator((em) => noteAdoptions(em, adopted)));
    for (const one of adopted) if (busy.has(one.turnId)) await database.asOperator((em) => noteAdoptions(em, [one]));
  }

  async function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    const adopted = gathered;
    gathered = [];
    if (adopted.length > 0) await write(adopted).catch(() => {});
  }

  return {
    add(turnId, run) {
      gathered.push({ turnId, run });
      timer ??= setTimeout(() => void flush(), gatherMs);
    },
    write,
    flush,
  };
}
