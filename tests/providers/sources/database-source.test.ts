import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  databaseConfigurationSchema,
  vectorStoreConfigurationSchema,
} from '../../../contracts/source-configuration.ts';
import { createSourceDatabaseOpener } from '../../../platform/source-database.ts';
import { createAddressPolicy } from '../../../providers/fetch/address-policy.ts';
import { createDatabaseSource } from '../../../providers/sources/database-source.ts';
import { createVectorStoreSource } from '../../../providers/sources/vector-store-source.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { conforms, listAll } from './source-conformance.ts';

const rows = testDatabase();
const openDatabase = createSourceDatabaseOpener(createAddressPolicy(['127.0.0.1', 'localhost']));
const signal = new AbortController().signal;
let client: pg.Client;

beforeAll(async () => {
  client = new pg.Client({ connectionString: rows.url });
  // The database is dropped before this connection ends.
  client.on('error', () => {});
  await client.connect();
  await client.query('create schema legacy');
  await client.query(
    `create table legacy.articles (key integer primary key, headline text, body text, changed timestamptz, vec vector(3), "odd ""name" text)`,
  );
});
afterAll(() => client.end());
beforeEach(async () => {
  await client.query('truncate legacy.articles');
  await client.query(
    `insert into legacy.articles (key, headline, body, changed, vec, "odd ""name") values
     (2, 'Apples', 'Apples are red.', '2026-01-01', '[1,0,0]', 'a'), (10, 'Bees', 'Bees make honey.', '2026-01-02', '[0,1,0]', 'b'),
     (300, null, 'Cats sleep.', '2026-01-03', null, 'c')`,
  );
});

const holds = [
  ['10', 'Bees make honey.'],
  ['2', 'Apples are red.'],
  ['300', 'Cats sleep.'],
] as const;

function open(settings: Record<string, unknown> = {}, connection: string | null = rows.url) {
  const configuration = databaseConfigurationSchema.parse({
    query: 'select key, headline, body, changed, "odd ""name" from legacy.articles',
    id: 'key',
    title: 'headline',
    text: 'body',
    page_size: 2,
    ...settings,
  });
  return createDatabaseSource(configuration, connection, openDatabase);
}

function openVectors(settings: Record<string, unknown> = {}) {
  const configuration = vectorStoreConfigurationSchema.parse({
    table: 'legacy.articles',
    id: 'key',
    title: 'headline',
    text: 'body',
    vector: 'vec',
    embedding_model: 'any',
    page_size: 2,
    ...settings,
  });
  return createVectorStoreSource(configuration, rows.url, openDatabase);
}

const change = async (words: string) =>
  void (await client.query('update legacy.articles set body = $1 where key = 10', [words]));
const remove = async () => void (await client.query('delete from legacy.articles where key = 300'));

describe('a query of a database', () => {
  conforms(() => ({
    open: () => open(),
    openBroken: () => open({ text: 'nothing' }),
    holds,
    change,
    remove,
  }));

  test('a column tells the version where one is named, and others become metadata', async () => {
    const source = open({ version: 'changed', metadata_columns: ['odd "name'] });
    const items = await listAll(source);
    expect(items.get('2')).toMatchObject({ title: 'Apples', metadata: { 'odd "name': 'a' } });
    expect(items.get('2')?.version).toContain('2026-01-01');
    expect(items.get('300')?.title).toBeUndefined();
    await source.close();
  });

  test('only reads, in one statement, and not for ever', async () => {
    for (const [query, code] of [
      ['delete from legacy.articles returning key, headline, body', 'source_configuration'],
      [
        'select 1 as key, null as headline, body from legacy.articles; delete from legacy.articles',
        'source_configuration',
      ],
      [`select key, headline, nextval('legacy.s')::text as body from legacy.articles`, 'source_configuration'],
      ['select key, headline, pg_sleep(5)::text as body from legacy.articles', 'source_unavailable'],
    ] as const) {
      const source = open({ query, statement_timeout_ms: 300 });
      await expect(source.check(signal)).rejects.toMatchObject({ code });
      await source.close();
    }
    expect((await client.query('select count(*)::int as n from legacy.articles')).rows[0].n).toBe(3);
  });

  test('a wrong password is told from a server that is away and from an address that is forbidden', async () => {
    const wrong = new URL(rows.url);
    wrong.pathname = '/no_such_database';
    const away = new URL(rows.url);
    away.port = '1';
    for (const [address, code] of [
      [wrong.href, 'source_authentication'],
      [away.href, 'source_unavailable'],
      ['postgres://u:p@10.0.0.1/x', 'address_forbidden'],
      ['postgres://u:p@169.254.169.254/x', 'address_forbidden'],
      ['mysql://u:p@127.0.0.1/x', 'source_configuration'],
      ['postgres://u:100%@127.0.0.1/x', 'source_configuration'],
      [`${rows.url}?sslmode=require`, 'source_unavailable'],
      [null, 'source_configuration'],
    ] as const) {
      const failure = open({}, address).check(signal);
      await expect(failure).rejects.toMatchObject({ code });
      await expect(failure).rejects.not.toMatchObject({ detail: expect.stringContaining(wrong.password || 'u:p') });
    }
  });
});

describe('a table of vectors', () => {
  conforms(() => ({
    open: () => openVectors(),
    openBroken: () => openVectors({ table: 'legacy.nothing' }),
    holds,
    change,
    remove,
  }));

  test('gives the vector with the text, and none where there is none', async () => {
    const source = openVectors();
    const fetched = await source.fetch({ path: '10', sourceUrl: null, memory: {} }, signal);
    expect(fetched).toMatchObject({ title: 'Bees', vector: Float32Array.from([0, 1, 0]) });
    expect(await source.fetch({ path: '300', sourceUrl: null, memory: {} }, signal)).not.toHaveProperty('vector');
    await client.query('delete from legacy.articles where key = 300');
    expect(await source.check(signal)).toMatchObject({ dimensions: 3 });
    await source.close();
  });
});
