import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { EmbeddedServerError } from './embedded-server-error.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { identifyProcess, readCommandLine } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { findUnprivilegedPrefix, giveOwnership } from './unprivileged-prefix.ts';

const run = promisify(execFile);
const majorVersion = '18';
const login = 'perdure';
const database = 'perdure';

/** Which binaries, which data folder and which password the embedded PostgreSQL uses. */
export interface PostgresClusterOptions {
  /** Folder of `initdb` and `postgres`. */
  bin: string;
  /** Data folder; made on first use. */
  directory: string;
  /** Shared by the superuser `postgres` and the product's login `perdure`. */
  password: string;
}

/** Makes the data folder if there is none: UTF-8, C.UTF-8, passwords by SCRAM. A crash leaves no half-made folder. */
export async function createCluster({ bin, directory, password }: PostgresClusterOptions): Promise<void> {
  if (existsSync(path.join(directory, 'PG_VERSION'))) {
    const version = readFileSync(path.join(directory, 'PG_VERSION'), 'utf8').trim();
    if (version === majorVersion) return;
    throw new EmbeddedServerError(
      `The data in ${directory} was written by PostgreSQL ${version}, and this version of Perdure brings PostgreSQL ` +
        `${majorVersion}. Dump it with the version that wrote it, or move the folder away to start with an empty database.`,
    );
  }
  const work = mkdtempSync(`${directory}.new-`);
  try {
    const prefix = findUnprivilegedPrefix();
    const passwordFile = path.join(work, 'password');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    giveOwnership(work, prefix);
    const data = path.join(work, 'data');
    const [command = '', ...args] = [
      ...prefix.words,
      path.join(bin, 'initdb'),
      ...['-E', 'UTF8', '--locale=C.UTF-8', '-U', 'postgres', '-A', 'scram-sha-256'],
      ...[`--pwfile=${passwordFile}`, '-D', data],
    ];
    await run(command, args, { cwd: '/' });
    renameSync(data, directory);
  } catch (error) {
    const reason = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    throw new EmbeddedServerError(
      `PostgreSQL could not make its data folder ${directory}. initdb said: ${reason}. If a permission is missing, set ` +
        'PERDURE_HOME to a folder that every user may enter, or set DATABASE_URL to a PostgreSQL server of your own.',
      { cause: error },
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The running server of this data folder, found through postmaster.pid; a file that a crash left is removed. */
export function findRunningCluster(directory: string): (ProcessIdentity & { port: number }) | null {
  const file = path.join(directory, 'postmaster.pid');
  if (!existsSync(file)) return null;
  const lines = readFileSync(file, 'utf8').split('\n');
  const identity = identifyProcess(Number(lines[0]));
  // After a reboot the pid may belong to anything; only PostgreSQL on this very folder counts.
  if (identity !== null && readCommandLine(identity.pid).includes(directory)) {
    return { ...identity, port: Number(lines[3]) };
  }
  rmSync(file, { force: true });
  return null;
}

/** How to run PostgreSQL on this data folder: TCP on the loopback address only, and always crash-safe. */
export function planPostgres(options: PostgresClusterOptions & { port: number }): LaunchPlan {
  const prefix = findUnprivilegedPrefix();
  giveOwnership(options.directory, prefix);
  const settings = Object.entries({
    ...memorySettings(totalmem()),
    ...serverSettings,
    port: String(options.port),
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command = '', ...args] = [
    ...prefix.words,
    path.join(options.bin, 'postgres'),
    ...['-D', options.directory],
    ...settings,
  ];
  return {
    name: 'postgres',
    command,
    args,
    env: { TZ: 'UTC', LC_ALL: 'C' },
    cwd: '/',
    // Fast shutdown: sessions are ended, a checkpoint is written.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 3500,
    readyTimeoutMs: 60_000,
    isReady: () => acceptsConnections(superuserUrl(options.port, options.password)),
  };
}

const serverSettings = {
  listen_addresses: '127.0.0.1',
  // Socket paths are limited to about 100 bytes, which a deep checkout passes.
  unix_socket_directories: '',
  max_connections: '100',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  timezone: 'UTC',
  random_page_cost: '1.1',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
};

/** HNSW builds want their graph in maintenance_work_mem: 256 MB hold about 100,000 vectors of 384 dimensions. */
function memorySettings(bytes: number): Record<string, string> {
  const small = bytes < 6e9;
  return {
    shared_buffers: small ? '128MB' : '256MB',
    maintenance_work_mem: small ? '128MB' : '256MB',
    work_mem: small ? '8MB' : '16MB',
    effective_cache_size: `${Math.max(256, Math.round(bytes / 4e6))}MB`,
  };
}

/** Address of the product's login, which is no superuser: it may make roles and databases, as in production. */
export function loginUrl(port: number, password: string): string {
  return `postgresql://${login}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

function superuserUrl(port: number, password: string): string {
  return `postgresql://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
}

async function acceptsConnections(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000 });
  // Without a listener a connection that breaks later would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    client.end().catch(() => {});
  }
}

/** Makes the product's login and its database where they are missing; may be run again at any time. */
export async function createLoginAndDatabase(port: number, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl(port, password), connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    const secret = client.escapeLiteral(password);
    const roles = await client.query('select 1 from pg_roles where rolname = $1', [login]);
    // BYPASSRLS: only a role that has it may give it to the operator role, which the migrations make.
    if (roles.rowCount === 0) await client.query(`create role ${login} login createdb createrole bypassrls`);
    await client.query(`alter role ${login} password ${secret}`);
    const databases = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (databases.rowCount === 0) await client.query(`create database ${database} owner ${login}`);
  } finally {
    await client.end();
  }
}
