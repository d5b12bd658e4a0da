import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import pg from 'pg';
import { until } from '../until.ts';
import { testServers } from './test-servers.ts';

/** A database of the calling test file alone. */
export interface TestDatabase {
  /** Address of the product's login; known once the tests run. */
  readonly url: string;
  readonly name: string;
}

/**
 * Call at the top of a test file or describe block: clones the migrated template before its tests and drops the clone
 * after them. If one of them failed the clone stays (with PERDURE_TEST_HOME set, also after the run).
 */
export function testDatabase(): TestDatabase {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const { databaseUrl, template } = testServers();
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  beforeAll(() => runStatement(`create database ${name} template ${template}`));
  afterAll(async () => {
    if ((globalThis as { perdureTestFailed?: boolean }).perdureTestFailed) {
      console.log(
        `Kept the database of this failed test: ${name} (run with PERDURE_TEST_HOME=<folder> to keep the data)`,
      );
      return;
    }
    await until(() => drop(name), { what: `the end of autovacuum in ${name}`, everyMs: 200 });
  });
  return { url: url.href, name };
}

/** False while an autovacuum worker is in the database: it is a superuser's process, which the login may not end. */
async function drop(name: string): Promise<boolean> {
  try {
    await runStatement(`drop database if exists ${name} with (force)`);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '42501') return false;
    throw error;
  }
}

async function runStatement(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: testServers().databaseUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
