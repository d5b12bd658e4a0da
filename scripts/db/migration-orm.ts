import path from 'node:path';
import { Migrator } from '@mikro-orm/migrations';
import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm } from '../../platform/orm.ts';
import { MigrationGenerator } from './migration-generator.ts';
import { PerdureSchemaGenerator } from './perdure-schema-generator.ts';

/** Folder of the migrations, in the order of their names. */
export const migrationsFolder = path.resolve(import.meta.dirname, '../../migrations');

/** An ORM with the migrator on the migrations of `folder`, as `perdure_owner` on one connection; a statement waits at most 30 s for a lock. */
export function createMigrationOrm(databaseUrl: string, folder = migrationsFolder): MikroORM {
  return createOrm(
    databaseUrl,
    1,
    { role: 'perdure_owner', applicationName: 'perdure-migrations', statementTimeout: 0, lockTimeout: 30_000 },
    {
      extensions: [PerdureSchemaGenerator, Migrator],
      migrations: {
        tableName: 'mikro_orm_migrations',
        path: folder,
        generator: MigrationGenerator,
        glob: 'Migration*.ts',
        emit: 'ts',
        snapshot: false,
        silent: true,
        // The default would need a superuser.
        disableForeignKeys: false,
      },
    },
  );
}
