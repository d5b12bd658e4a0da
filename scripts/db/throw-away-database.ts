import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connectLogin } from '../../platform/connect-login.ts';
import { prepareDatabase } from '../../platform/prepare-database.ts';
import { StartError } from '../../platform/start-error.ts';

// Autovacuum of a small database takes a second or two.
const mostTries = 150;
const pauseMs = 200;

/**
 * Runs `work` on an empty, prepared database on the server of `databaseUrl`, and drops it afterwards.
 * @throws StartError when the login may not create databases.
 */
export async function withThrowAwayDatabase<T>(databaseUrl: string, work: (url: string) => Promise<T>): Promise<T> {
  const name = `perdure_throw_away_${randomBytes(6).toString('hex')}`;
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await withConnection(databaseUrl, async (login) => {
    try {
      await login.query(`create database ${name}`);
    } catch (error) {
      throw new StartError(
        `The login of DATABASE_URL may not create a database: ${(error as Error).message}. Run this command against a ` +
          'development server, or without DATABASE_URL against the embedded one.',
      );
    }
  });
  try {
    await withConnection(url.href, prepareDatabase);
    return await work(url.href);
  } finally {
    await withConnection(databaseUrl, (login) => drop(login, name));
  }
}

/** Waits while an autovacuum worker is in the database: it is a superuser's process, which the login may not end. */
async function drop(login: pg.Client, name: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await login.query(`drop database if exists ${name} with (force)`);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== '42501' || tries === mostTries) throw error;
    }
    await sleep(pauseMs);
  }
}

/** Runs `work` on one connection of the login. */
export async function withConnection<T>(databaseUrl: string, work: (login: pg.Client) => Promise<T>): Promise<T> {
  const login = await connectLogin(databaseUrl, 'perdure-throw-away');
  try {
    return await work(login);
  } finally {
    await login.end();
  }
}
