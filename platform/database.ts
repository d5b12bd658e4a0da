import { setTimeout } from 'node:timers/promises';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { PerdureError } from '../contracts/errors.ts';
import type { PoolUse } from './connection-pool.ts';
import { createOrm } from './orm.ts';
import { poolSizes } from './pool-sizes.ts';

/** Transactions by role. Every statement of the product runs inside one of these. */
export interface Database {
  /** Runs `work` in one transaction as `perdure_app`, seeing only the rows of `workspaceId`. */
  inWorkspace<T>(workspaceId: string, work: (em: EntityManager) => Promise<T>, plans?: Plans): Promise<T>;
  /** Runs `work` in one transaction as `perdure_operator`, which bypasses row-level security. */
  asOperator<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction as `perdure_owner`: DDL only, such as registering an embedding model. */
  asOwner<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  /**
   * Runs one statement as `perdure_app` outside of a transaction and without a workspace: only for database functions
   * that take the workspace themselves. Saves three round trips where a statement is run many times a second. A lost
   * connection is `unavailable` here too.
   */
  autocommit<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  /** Runs one statement as `perdure_owner` outside of a transaction: what builds and drops indexes beside readers and writers. */
  autocommitAsOwner<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  /** Runs one reading statement as `perdure_operator` outside of a transaction. */
  readAsOperator<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * How a transaction's statements are planned. `kept`: once for a connection, whatever the values. For statements that find
 * all rows by their keys; PostgreSQL itself plans each at least five times with its values before it keeps a plan.
 */
export type Plans = 'kept' | 'usual';

/** Where the database is, and how many connections this process may hold. */
export type DatabaseSettings = { DATABASE_URL: string; PERDURE_DATABASE_POOL: number };

/**
 * Makes the process's pools, one a role; none connects before its first transaction. `applicationName` is what
 * pg_stat_activity shows. A transaction throws `PerdureError` with code `over_capacity` when the pool stays exhausted
 * for 10 s, and `unavailable` when the connection cannot be made or is lost; the next one connects anew. `onPool` receives
 * each pool when it is made.
 */
export function createDatabase(
  settings: DatabaseSettings,
  applicationName: string,
  onPool: (role: string, pool: PoolUse) => void = () => {},
): Database {
  const sizes = poolSizes(settings.PERDURE_DATABASE_POOL);
  const open = (role: 'app' | 'operator' | 'owner', statementTimeout: number) =>
    once(() =>
      createOrm(settings.DATABASE_URL, sizes[role], {
        role: `perdure_${role}`,
        applicationName,
        statementTimeout,
        onPool: (pool) => onPool(role, pool),
      }),
    );
  const app = open('app', 60_000);
  const operator = open('operator', 300_000);
  const owner = open('owner', 0);
  return {
    inWorkspace: (workspaceId, work, plans = 'usual') =>
      inTransaction(app.get(), { variables: variablesOf(workspaceId, plans) }, work),
    asOperator: (work) => inTransaction(operator.get(), undefined, work),
    asOwner: (work) => inTransaction(owner.get(), undefined, work),
    autocommit: (work) => withoutTransaction(app.get(), work),
    autocommitAsOwner: (work) => withoutTransaction(owner.get(), work),
    readAsOperator: (work) => withoutTransaction(operator.get(), work),
    close: async () => {
      await Promise.all([app, operator, owner].map(async (orm) => orm.made()?.close()));
    },
  };
}

function variablesOf(workspaceId: string, plans: Plans): Record<string, string> {
  const workspace = { 'perdure.workspace_id': workspaceId };
  return plans === 'kept' ? { ...workspace, plan_cache_mode: 'force_generic_plan' } : workspace;
}

function once<T>(make: () => T): { get(): T; made(): T | undefined } {
  let value: T | undefined;
  return { get: () => (value ??= make()), made: () => value };
}

async function withoutTransaction<T>(orm: MikroORM, work: (em: EntityManager) => Promise<T>): Promise<T> {
  try {
    return await work(orm.em.fork());
  } catch (error) {
    if (!isLostConnection(error)) throw error;
    throw failure('unavailable', 'The connection to the database was lost during a statement.', error);
  }
}

/** An SQLSTATE of a connection that ends (08, 57P), a system's error code, or the driver's plain Error without a code. */
function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof PerdureError) return false;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return error.constructor === Error;
  return !/^[0-9A-Z]{5}$/.test(code) || /^(?:08|57P)/.test(code);
}

async function inTransaction<T>(
  orm: MikroORM,
  session: { variables: Record<string, string> } | undefined,
  work: (em: EntityManager) => Promise<T>,
): Promise<T> {
  const em = orm.em.fork();
  if (session) em.setSessionContext(session);
  await begin(orm, em);
  try {
    const result = await work(em);
    await em.commit();
    return result;
  } catch (error) {
    try {
      await em.rollback();
    } catch {
      // Only a lost connection refuses a rollback. Whether a commit took effect is then unknown.
      throw failure('unavailable', 'The connection to the database was lost during a transaction.', error);
    }
    throw error;
  }
}

async function begin(orm: MikroORM, em: EntityManager): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const started = performance.now();
    try {
      await em.begin();
      return;
    } catch (error) {
      const quick = performance.now() - started < 1000;
      // The pool may hand out a connection whose end the process has not noticed yet. Once it has, the next one is new.
      if (quick && attempt < 4) {
        await setTimeout(10 * attempt);
        continue;
      }
      const pool = await orm.driver.getConnection().getNativeClient();
      if (!quick && pool.totalCount >= pool.options.max && pool.idleCount === 0)
        throw failure(
          'over_capacity',
          'No database connection became free within 10 s. Try again later; if it persists, raise PERDURE_DATABASE_POOL.',
          error,
        );
      throw failure(
        'unavailable',
        'The database cannot be reached. Check that PostgreSQL at DATABASE_URL is running.',
        error,
      );
    }
  }
}

function failure(code: 'unavailable' | 'over_capacity', detail: string, cause: unknown): PerdureError {
  const error = new PerdureError(code, detail);
  error.cause = cause;
  return error;
}
