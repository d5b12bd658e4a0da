import pg from 'pg';
import { StartError } from './start-error.ts';

/**
 * Opens one connection as DATABASE_URL's own user, outside of every pool.
 * @throws StartError when the server, the database or the login cannot be reached.
 */
export async function connectLogin(databaseUrl: string, applicationName: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
  });
  // Without a listener a connection that breaks later would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const reason = message || code;
    throw new StartError(
      code === '3D000'
        ? `The database of DATABASE_URL does not exist: ${reason}. Create it, owned by the login of DATABASE_URL, and start again.`
        : `PostgreSQL at DATABASE_URL cannot be reached: ${reason}. Start it, or correct DATABASE_URL.`,
    );
  }
  return client;
}
