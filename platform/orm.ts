import { MikroORM, type Options } from '@mikro-orm/postgresql';
import { entities } from '../entities/index.ts';
import { poolOptions, type PoolSettings } from './connection-pool.ts';

// A connection's first statements take some 50 ms of processor time, until the server has its catalogs and plans there.
const idleMs = 15 * 60_000;

/**
 * One role's ORM: entities, options and a pool of at most `connections`. It connects at its first statement. `options`
 * come on top.
 */
export function createOrm(
  databaseUrl: string,
  connections: number,
  settings: PoolSettings,
  options: Options = {},
): MikroORM {
  return new MikroORM({
    entities: [...entities],
    clientUrl: databaseUrl,
    pool: { min: 0, max: connections, idleTimeoutMillis: idleMs },
    driverOptions: poolOptions(settings),
    allowGlobalContext: false,
    ensureDatabase: false,
    // Discovery of these entities takes less time than reading a cache, and a cache would be a file to share.
    metadataCache: { enabled: false },
    resultCache: { global: false },
    colors: false,
    logger: (message) => process.stderr.write(`${message}\n`),
    schemaGenerator: {
      skipTables: ['chunk_embeddings', /^chunk_embeddings_/],
      ignoreRoutines: true,
      ignoreTriggers: true,
    },
    ...options,
  });
}
