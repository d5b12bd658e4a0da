import { spawn } from 'node:child_process';
import path from 'node:path';
import pg from 'pg';
import type { HeldStack } from '../../../scripts/supervisor/hold-stack.ts';
import { checkout } from '../../../scripts/setup/installation.mjs';

const template = 'perdure_template';

/** Makes the database that every test file clones, by the product's own migration command; returns its name. */
export async function migrateTemplate(stack: HeldStack): Promise<string> {
  if (stack.urls.database === null) throw new Error('The test stack has no database of its own.');
  const client = new pg.Client({ connectionString: stack.urls.database });
  await client.connect();
  try {
    await client.query(`drop database if exists ${template}`);
    await client.query(`create database ${template}`);
  } finally {
    await client.end();
  }
  const url = new URL(stack.urls.database);
  url.pathname = `/${template}`;
  await runUpgrade({ ...stack.env, DATABASE_URL: url.href });
  return template;
}

async function runUpgrade(env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, [path.join(checkout, 'scripts/db/upgrade.ts')], {
    cwd: checkout,
    env: { ...env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`Migrating the template database failed with exit code ${code}:\n${output}`);
}
