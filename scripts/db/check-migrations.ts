import { createMigrationOrm } from './migration-orm.ts';
import { compareCatalogs, readCatalog } from './read-catalog.ts';
import { withConnection, withThrowAwayDatabase } from './throw-away-database.ts';

/**
 * Proves, in throw-away databases on the server of `databaseUrl`, that the migrations make what the entities declare and
 * that each goes down to exactly what was there before it. Returns what is wrong, one entry a finding.
 */
export async function checkMigrations(databaseUrl: string, folder?: string): Promise<string[]> {
  const findings: string[] = [];
  await withThrowAwayDatabase(databaseUrl, async (url) => {
    findings.push(...(await checkEachWay(url, folder)));
    findings.push(...(await checkAgainstEntities(databaseUrl, url, folder)));
  });
  return findings;
}

/** Up one by one, down one by one with a comparison at each stop, and up again. */
async function checkEachWay(url: string, folder?: string): Promise<string[]> {
  const findings: string[] = [];
  const orm = createMigrationOrm(url, folder);
  try {
    const names = (await orm.migrator.getPending()).map(({ name }) => name);
    const before = new Map<string, string[]>();
    for (const name of names) {
      before.set(name, await readCatalog(url));
      await orm.migrator.up({ migrations: [name] });
    }
    const whole = await readCatalog(url);
    for (const name of names.toReversed()) {
      await orm.migrator.down({ migrations: [name] });
      const left = compareCatalogs(before.get(name)!, await readCatalog(url));
      if (left.length > 0) findings.push(`${name} does not go down to what was there before it:\n${left.join('\n')}`);
    }
    await orm.migrator.up();
    const again = compareCatalogs(whole, await readCatalog(url));
    if (again.length > 0) findings.push(`All down and all up again makes another schema:\n${again.join('\n')}`);
  } finally {
    await orm.close();
  }
  return findings;
}

async function checkAgainstEntities(databaseUrl: string, migrated: string, folder?: string): Promise<string[]> {
  const findings: string[] = [];
  const orm = createMigrationOrm(migrated, folder);
  try {
    const diff = await orm.schema.getUpdateSchemaMigrationSQL({ wrap: false });
    if (diff.up.trim() !== '') findings.push(`The entities declare more than the migrations make:\n${diff.up}`);
    if (diff.down.trim() !== '') findings.push(`The migrations make more than the entities declare:\n${diff.down}`);
    // The ORM's comparison is lenient about expressions, so PostgreSQL compares as well.
    const fresh = await withThrowAwayDatabase(databaseUrl, async (url) => {
      const create = await orm.schema.getCreateSchemaSQL({ wrap: false });
      await withConnection(url, (login) => login.query(create));
      return readDeclared(url);
    });
    const declared = compareCatalogs(await readDeclared(migrated), fresh);
    if (declared.length > 0)
      findings.push(`A schema made from the entities (+) differs from the migrated one (-):\n${declared.join('\n')}`);
  } finally {
    await orm.close();
  }
  return findings;
}

/**
 * What entities declare: all but grants, triggers, functions and the table that the ORM does not know. Six digits are
 * what a timestamp has anyway.
 */
async function readDeclared(url: string): Promise<string[]> {
  const lines = await readCatalog(url, ['column', 'constraint', 'index', 'policy', 'security']);
  return lines
    .filter((line) => !line.includes('chunk_embeddings'))
    .map((line) => line.replace('timestamp(6) with time zone', 'timestamp with time zone'));
}
