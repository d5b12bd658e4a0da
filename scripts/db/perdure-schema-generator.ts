import { DeferMode, type MikroORM } from '@mikro-orm/core';
import { DatabaseSchema, SqlSchemaGenerator, type SqlEntityManager } from '@mikro-orm/postgresql';
import { foreignKeys } from '../../entities/foreign-keys.ts';

type DiffOptions = NonNullable<Parameters<SqlSchemaGenerator['getUpdateSchemaMigrationSQL']>[0]>;

/**
 * The ORM's schema generator with the foreign keys that entities cannot declare, and without functions and triggers:
 * those are written in migrations by hand, and `ignoreTriggers` alone would put them into every `down`.
 */
export class PerdureSchemaGenerator extends SqlSchemaGenerator {
  static override register(orm: MikroORM): void {
    orm.config.registerExtension(
      '@mikro-orm/schema-generator',
      () => new PerdureSchemaGenerator(orm.em as unknown as SqlEntityManager),
    );
  }

  override async getUpdateSchemaMigrationSQL(options: DiffOptions = {}): Promise<{ up: string; down: string }> {
    const { skipTables } = this.config.get('schemaGenerator');
    const fromSchema = await DatabaseSchema.create(
      this.connection,
      this.platform,
      this.config,
      'public',
      ['public'],
      undefined,
      skipTables,
    );
    for (const table of fromSchema.getTables()) table.setTriggers([]);
    return super.getUpdateSchemaMigrationSQL({ ...options, fromSchema });
  }

  override getTargetSchema(schema?: string, includeWildcardSchema = false): DatabaseSchema {
    const target = super.getTargetSchema(schema, includeWildcardSchema);
    for (const key of foreignKeys) {
      const table = target.getTable(key.table);
      if (!table) throw new Error(`entities/foreign-keys.ts names the table ${key.table}, which no entity declares.`);
      table.setForeignKeys({
        ...table.getForeignKeys(),
        [key.name]: {
          constraintName: key.name,
          localTableName: `public.${key.table}`,
          columnNames: key.columns,
          referencedTableName: `public.${key.referencedTable}`,
          referencedColumnNames: key.referencedColumns,
          deleteRule: key.onDelete,
          ...(key.deferrable ? { deferMode: DeferMode.INITIALLY_IMMEDIATE } : {}),
        },
      });
    }
    return target;
  }
}
