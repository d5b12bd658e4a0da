import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MigrationDiff } from '@mikro-orm/core';
import { TSMigrationGenerator } from '@mikro-orm/migrations';

/** Writes a migration in the house's form. Its time stamp is later than that of every other migration. */
export class MigrationGenerator extends TSMigrationGenerator {
  override async generate(diff: MigrationDiff, path?: string, message = ''): Promise<[string, string]> {
    const folder = path ?? this.options.path!;
    const name = message
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_|_$/g, '');
    const className = `Migration${nextStamp(folder)}_${name}`;
    const source = this.generateMigrationFile(className, diff, message);
    const file = `${className}.ts`;
    // Two runs in the same second must not overwrite each other's work.
    writeFileSync(join(folder, file), source, { flag: 'wx' });
    return [source, file];
  }

  override generateMigrationFile(className: string, diff: MigrationDiff, message = className): string {
    const up = diff.up.flatMap((statement) => [statement, ...changeTimeOf(statement)]);
    const lines = (statements: string[]) =>
      statements
        .filter((statement) => statement.trim() !== '')
        .map((statement) => this.createStatement(statement.replace(/;$/, ''), 4))
        .join('');
    return `import { Migration } from '@mikro-orm/migrations';

/** ${message.replaceAll('*/', '').replace(/([^.!?])$/, '$1.')} */
export class ${className} extends Migration {
  override up(): void {
${lines(up)}  }

  override down(): void {
${lines(diff.down)}  }
}
`;
  }
}

/** The ORM knows no triggers of ours: a new table with a change time gets the one that every other table has. */
function changeTimeOf(statement: string): string[] {
  const [, table] = /^create table "(\w+)"/.exec(statement) ?? [];
  if (!table || !statement.includes('"updated_at"')) return [];
  return [
    `create trigger touch_updated_at before update on "${table}" for each row ` +
      'when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()',
  ];
}

function nextStamp(folder: string): string {
  const stamps = readdirSync(folder).flatMap((file) => /^Migration(\d{14})/.exec(file)?.[1] ?? []);
  const latest = stamps.sort().at(-1) ?? '0';
  const now = new Date().toISOString().replace(/[-T:]|\.\d{3}Z$/g, '');
  return now > latest ? now : String(BigInt(latest) + 1n);
}
