import pg from 'pg';
import { PerdureError } from '../contracts/errors.ts';
import type { AddressPolicy } from '../providers/fetch/address-policy.ts';
import type { OpenSourceDatabase } from '../providers/sources/source-database.ts';

const usualPorts = [5432];
const connectTimeoutMs = 10_000;

/**
 * Makes connections to the databases of sources: within the address policy, to the very address that was checked, and
 * only for reading.
 */
export function createSourceDatabaseOpener(policy: AddressPolicy): OpenSourceDatabase {
  return async function openSourceDatabase(connectionString, statementTimeoutMs) {
    const url = URL.parse(connectionString);
    if (!url || !/^postgres(?:ql)?:$/.test(url.protocol) || url.hostname === '')
      throw new PerdureError(
        'source_configuration',
        'connection_string must be postgres://user:password@host:port/database.',
      );
    const { user, password, database } = readLogin(url);
    const port = Number(url.port || 5432);
    const [address] = await policy.resolve(url.hostname, port, usualPorts);
    const client = new pg.Client({
      host: address!.address,
      port,
      user,
      password,
      database,
      ssl: tlsOf(url),
      application_name: 'perdure-source',
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      // A server that is gone answers nothing at all.
      query_timeout: statementTimeoutMs + connectTimeoutMs,
      options: '-c default_transaction_read_only=on',
    });
    // Without a listener a connection that breaks between two statements would end the process.
    client.on('error', () => {});
    await client.connect().catch((error: unknown) => {
      throw sourceError(error, tlsOf(url) === false ? '' : ' Does it offer TLS, as sslmode asks?');
    });
    return {
      async query(text, parameters, signal) {
        signal.throwIfAborted();
        const cancel = () => void client.end().catch(() => {});
        signal.addEventListener('abort', cancel, { once: true });
        try {
          // The parameters' protocol takes one statement only, so none can hide behind another.
          await client.query('begin read only');
          const { rows } = await client.query<Record<string, unknown>>(text, [...parameters]);
          await client.query('commit');
          return rows;
        } catch (error) {
          signal.throwIfAborted();
          await client.query('rollback').catch(() => {});
          throw sourceError(error);
        } finally {
          signal.removeEventListener('abort', cancel);
        }
      },
      close: () => client.end().catch(() => {}),
    };
  };
}

/** A percent sign of a password stands as %25; one that is left as it is spoils the whole. */
function readLogin(url: URL): { user: string; password: string; database: string } {
  try {
    const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decodeURIComponent);
    return { user: user!, password: password!, database: database! };
  } catch {
    throw new PerdureError(
      'source_configuration',
      'connection_string holds a % that begins no character. Write %25 for a percent sign in the user, password or database.',
    );
  }
}

function tlsOf(url: URL): pg.ClientConfig['ssl'] {
  const mode = url.searchParams.get('sslmode') ?? 'disable';
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') return false;
  const servername = url.hostname.replace(/^\[|\]$/g, '');
  // As in libpq: require encrypts, verify-ca and verify-full check the certificate as well.
  return { rejectUnauthorized: mode !== 'require', servername };
}

/** What is wrong, in our own words: of the server's text only that about the query itself is passed on. */
function sourceError(error: unknown, question = ''): PerdureError {
  if (error instanceof PerdureError) return error;
  const { code, message } = error as { code?: unknown; message?: unknown };
  const state = typeof code === 'string' ? code : '';
  if (/^28|^3D000/.test(state))
    return new PerdureError(
      'source_authentication',
      `The database refused the login (${state}). Set connection_string anew.`,
    );
  if (/^(?:42|22|25006|0A|2BP)/.test(state))
    return new PerdureError(
      'source_configuration',
      `The query does not run: ${String(message).slice(0, 300)} (${state}).`,
    );
  if (state === '57014')
    return new PerdureError(
      'source_unavailable',
      'The query took longer than statement_timeout_ms. Raise it, or add an index.',
    );
  return new PerdureError(
    'source_unavailable',
    `The database cannot be read (${state || 'no connection'}). Is it running?${question}`,
  );
}
