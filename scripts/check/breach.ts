import type { EntityManager } from '@mikro-orm/postgresql';
import type { Client } from '@temporalio/client';

/** One thing that is not as it must be. `invariant` is its number in docs/architecture.md. */
export type Breach = { invariant: number; entity: string; id: string; detail: string };

/** What a check may look at. Rows that changed within the last `graceSeconds` are still on their way. */
export type CheckContext = { em: EntityManager; temporal: Client | null; graceSeconds: number };

/** Looks for breaches of one invariant. */
export type Check = (context: CheckContext) => Promise<Breach[]>;
