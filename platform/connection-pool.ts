import pg from 'pg';
import { prepareStatements } from './prepared-statements.ts';

/** What a pool of one role is made of. */
export type PoolSettings = {
  role: 'perdure_owner' | 'perdure_app' | 'perdure_operator';
  applicationName: string;
  /** Milliseconds after which the server ends a statement; 0 for never. */
  statementTimeout: number;
  /** Milliseconds that a statement waits for a lock; the statement's own limit by default. */
  lockTimeout?: number;
  /** Receives the pool once it is made, for whoever shows its use. */
  onPool?: (pool: PoolUse) => void;
};

/** How many connections of a pool are open and idle, and how many requests wait for one. */
export type PoolUse = { readonly totalCount: number; readonly idleCount: number; readonly waitingCount: number };

const timestampTypes = [pg.types.builtins.TIMESTAMP, pg.types.builtins.TIMESTAMPTZ];

/**
 * Options for the driver's `pg.Pool`: every connection assumes its role when it opens, times out rather than waits for
 * ever, reads timestamps as `Date`, and gives its place in the pool back when it dies.
 */
export function poolOptions(settings: PoolSettings): Record<string, unknown> {
  // A process that is stopped inside a transaction would hold its locks against whoever takes over from it.
  const options = [
    `-c role=${settings.role}`,
    `-c statement_timeout=${settings.statementTimeout}`,
    `-c lock_timeout=${settings.lockTimeout ?? 0}`,
    '-c idle_in_transaction_session_timeout=10s',
  ];
  return {
    options: options.join(' '),
    application_name: settings.applicationName,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    onPoolCreated: (pool: pg.Pool) => {
      pool.on('connect', (client) => {
        for (const type of timestampTypes) client.setTypeParser(type, pg.types.getTypeParser(type));
        // Other roles begin without a statement, and must notice at once when the connection is dead.
        prepareStatements(client, { mergeBegin: settings.role === 'perdure_app' });
      });
      returnDeadConnections(pool);
      settings.onPool?.(pool);
    },
  };
}

/**
 * Kysely releases the connection of a transaction only after a `commit` or `rollback` that succeeded, and neither can on
 * a connection that died: each such transaction would cost the pool one place until the process ends.
 */
function returnDeadConnections(pool: pg.Pool): void {
  const inUse = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => inUse.add(client));
  pool.on('release', (_error, client) => inUse.delete(client));
  pool.on('connect', (client) => {
    client.once('end', () => {
      if (!inUse.has(client)) return;
      client.release(true);
      // The holder may still release it, which the pool would answer with an exception.
      client.release = () => undefined;
    });
  });
}
