import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { holdStack } from '../../../scripts/supervisor/hold-stack.ts';
import { cacheDirectory, homeDirectory, prepareInstallation } from '../../../scripts/setup/installation.mjs';
import { heldTestStack } from './held-test-stack.mjs';
import { migrateTemplate } from './migrate-template.ts';

/** Starts one PostgreSQL and one Temporal for the whole run, and migrates the database that test files clone. */
// oxlint-disable-next-line import/no-default-export -- jest wants its set-up so
export default async function startServers() {
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, ...env } = process.env;
  const shared = homeDirectory(process.env);
  const cache = cacheDirectory(process.env);
  const installation = await prepareInstallation({ home: shared, cache, env, log: console.log, testServer: true });
  const kept = process.env.PERDURE_TEST_HOME;
  const home = kept ? path.resolve(kept) : mkdtempSync(path.join(tmpdir(), 'perdure-test-'));
  const stacks = path.join(home, 'stacks');
  mkdirSync(stacks, { recursive: true });
  // Away from the usual ports and below the range from which the system gives out ports for connections.
  const start = 20_000 + Math.floor(Math.random() * 1000) * 10;
  const stack = await holdStack({
    home,
    cache,
    env,
    processes: ['postgres', 'temporal'],
    ports: { postgres: start, temporal: start + 3, temporalUi: start + 6 },
    throwAway: !kept,
    nested: stacks,
  });
  heldTestStack.stack = stack;
  try {
    const template = await migrateTemplate(stack);
    const file = path.join(home, 'test-servers.json');
    const servers = {
      databaseUrl: stack.urls.database,
      template,
      temporalAddress: stack.urls.temporal,
      temporalUi: stack.urls.temporalUi,
      temporalExecutable: installation.temporal,
      testServerExecutable: installation.testServer,
      modelDirectory: installation.modelDirectory,
      cache,
      stacks,
    };
    writeFileSync(file, JSON.stringify(servers), { mode: 0o600 });
    process.env.PERDURE_TEST_SERVERS = file;
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
