import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { checkMigrations } from '../../scripts/db/check-migrations.ts';
import { downgradeDatabase } from '../../scripts/db/downgrade-database.ts';
import { createMigrationOrm, migrationsFolder } from '../../scripts/db/migration-orm.ts';
import { withThrowAwayDatabase, withConnection } from '../../scripts/db/throw-away-database.ts';
import { upgradeDatabase } from '../../scripts/db/upgrade-database.ts';
import { testServers } from '../support/servers/test-servers.ts';

jest.setTimeout(120_000);

// Inside the checkout, or the copied migrations could not import what they need.
const scratch = path.resolve(import.meta.dirname, '../../.perdure/test-migrations');
let folder: string;
const { databaseUrl } = testServers();

beforeEach(() => {
  mkdirSync(scratch, { recursive: true });
  folder = mkdtempSync(path.join(scratch, 'copy-'));
  cpSync(migrationsFolder, folder, { recursive: true, filter: (file) => !file.endsWith('.md') });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const names = (inside: string) =>
  readdirSync(inside)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace('.ts', ''))
    .sort();

function addMigration(name: string, up: string, down: string): void {
  writeFileSync(
    path.join(folder, `${name}.ts`),
    `import { Migration } from '@mikro-orm/migrations';
export class ${name} extends Migration {
  override up(): void { this.addSql(\`${up}\`); }
  override down(): void { this.addSql(\`${down}\`); }
}
`,
  );
}

describe('the check', () => {
  test('finds nothing in the product as it is', async () => {
    expect(await checkMigrations(databaseUrl)).toEqual([]);
  });

  // One run for all faults: each run makes the whole schema several times.
  test('finds a stray column, a check and a foreign key that differ, and a way down that leaves something', async () => {
    addMigration(
      'Migration29990101000003_stray',
      'alter table agents add stray text, drop constraint agents_version_check, add constraint agents_version_check check (version > 1)',
      'alter table agents drop stray, drop constraint agents_version_check, add constraint agents_version_check check (version > 0)',
    );
    const key = 'agents_workspace_id_model_id_fkey';
    const change = (rule: string) =>
      `alter table agents drop constraint ${key}, add constraint ${key} foreign key (workspace_id, model_id) references models (workspace_id, id) on delete ${rule}`;
    addMigration('Migration29990101000001_rule', change('cascade'), change('no action deferrable'));
    addMigration('Migration29990101000000_left', 'create index left_idx on agents (version)', 'select 1');
    const findings = (await checkMigrations(databaseUrl, folder)).join('\n');
    expect(findings).toContain('alter table "agents" drop column "stray"');
    expect(findings).toContain('- column agents.stray text');
    expect(findings).toContain('+ constraint agents agents_version_check CHECK ((version > 0))');
    expect(findings).toContain(
      `- constraint agents ${key} FOREIGN KEY (workspace_id, model_id) REFERENCES models(workspace_id, id) ON DELETE CASCADE`,
    );
    expect(findings).toMatch(/Migration29990101000000_left does not go down[\s\S]*\+ index CREATE INDEX left_idx/);
    expect(findings).not.toMatch(/(_stray|_rule) does not go down/);
  });
});

describe('up and down', () => {
  test('two upgrades at once apply each migration once', async () => {
    await withThrowAwayDatabase(databaseUrl, async (url) => {
      const [first, second] = await Promise.all([upgradeDatabase(url), upgradeDatabase(url)]);
      expect([...first, ...second].sort()).toEqual(names(migrationsFolder));
    });
  });

  test('one step, to a name, and all the way', async () => {
    await withThrowAwayDatabase(databaseUrl, async (url) => {
      await upgradeDatabase(url);
      const all = names(migrationsFolder);
      expect(await downgradeDatabase(url)).toEqual([all.at(-1)]);
      expect(await downgradeDatabase(url, all[2])).toEqual(all.slice(3, -1).toReversed());
      await expect(downgradeDatabase(url, 'Migration0_none')).rejects.toThrow('No migration named Migration0_none');
      expect(await downgradeDatabase(url, '0')).toHaveLength(3);
      expect(await downgradeDatabase(url)).toEqual([]);
      expect(await upgradeDatabase(url)).toEqual(all);
      expect(await upgradeDatabase(url)).toEqual([]);
    });
  });

  test('a database from a newer version is left alone', async () => {
    await withThrowAwayDatabase(databaseUrl, async (url) => {
      await upgradeDatabase(url);
      await withConnection(url, (login) =>
        login.query(`insert into mikro_orm_migrations (name) values ('Migration29990101000000_future')`),
      );
      await expect(upgradeDatabase(url)).rejects.toThrow('newer version of Perdure');
    });
  });

  test('a migration that fails leaves the database as it was', async () => {
    addMigration('Migration29990101000000_broken', 'create table half (id uuid); select 1 / 0', 'select 1');
    await withThrowAwayDatabase(databaseUrl, async (url) => {
      await expect(upgradeDatabase(url, folder)).rejects.toThrow('division by zero');
      expect(await upgradeDatabase(url)).toEqual(names(migrationsFolder));
    });
  });
});

describe('writing a migration', () => {
  test('takes the difference to the entities, with a way back, under a name of its own', async () => {
    // Takes away what an entity declares, so that the difference is known.
    addMigration('Migration29990101000000_without', 'alter table agents drop topics', 'select 1');
    await withThrowAwayDatabase(databaseUrl, async (url) => {
      await upgradeDatabase(url, folder);
      const orm = createMigrationOrm(url, folder);
      try {
        const written = await orm.migrator.create(undefined, false, false, 'Add topics again!');
        const again = await orm.migrator.create(undefined, true, false, 'By hand');
        expect(written.fileName).toBe('Migration29990101000001_add_topics_again.ts');
        expect(again.fileName).toBe('Migration29990101000002_by_hand.ts');
        const source = readFileSync(path.join(folder, written.fileName), 'utf8');
        expect(source).toContain('/** Add topics again! */');
        expect(source).toContain(`alter table "agents" add "topics" jsonb not null default '[]'`);
        expect(source).toContain(`alter table "agents" drop column "topics"`);
      } finally {
        await orm.close();
      }
      expect(await upgradeDatabase(url, folder)).toHaveLength(2);
      expect(await downgradeDatabase(url, 'Migration29990101000000_without', folder)).toHaveLength(2);
    });
  });

  test('gives a new table its change time and its policies', async () => {
    addMigration('Migration29990101000000_without', 'drop table user_memories', 'select 1');
    await withThrowAwayDatabase(databaseUrl, async (url) => {
      await upgradeDatabase(url, folder);
      const orm = createMigrationOrm(url, folder);
      let source: string;
      try {
        source = (await orm.migrator.create(undefined, false, false, 'Memories')).code;
      } finally {
        await orm.close();
      }
      expect(source).toContain('create trigger touch_updated_at before update on "user_memories"');
      expect(source).toContain('create policy "workspace_isolation" on "user_memories"');
      expect(await upgradeDatabase(url, folder)).toHaveLength(1);
    });
  });

  test('is a command that wants a message, and writes nothing when nothing differs', async () => {
    const run = (args: string[]) =>
      new Promise<{ code: number | null; output: string }>((resolve) => {
        const script = path.resolve(import.meta.dirname, '../../scripts/db/migrate.ts');
        execFile(
          process.execPath,
          [script, ...args, '--folder', folder],
          { env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl } },
          (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
        );
      });
    expect(await run([])).toEqual({ code: 1, output: expect.stringContaining('-m "Add new field"') });
    expect(await run(['-m', 'Add new field'])).toEqual({
      code: 0,
      output: expect.stringContaining('nothing to write'),
    });
    expect(names(folder)).toEqual(names(migrationsFolder));
    rmSync(path.join(folder, `${names(folder).at(-1)}.ts`));
    addMigration('Migration29990101000000_without', 'alter table agents drop topics', 'select 1');
    expect(await run(['-m', 'Add new field'])).toEqual({
      code: 0,
      output: expect.stringContaining('_add_new_field.ts'),
    });
    expect(names(folder).at(-1)).toBe('Migration29990101000001_add_new_field');
  });
});
