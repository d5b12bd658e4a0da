import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { testDatabase } from '../support/servers/test-database.ts';

type SeedField = { schema: string; table: string; field: string; columns: string[] };

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8');
const fields = JSON.parse(read('./seed-fields.json')) as SeedField[];
const page = read('../../docs/data-model.md');

const { url } = testDatabase();
let database: Database;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 4 }, 'seed-fields-test');
});

afterAll(() => database.close());

/** The rows of a page's section about one table: field to the text beside it. */
function rowsOf(schema: string, table: string): Map<string, string> {
  const section = page.split(/^### /m).find((part) => part.split('\n', 1)[0]?.split('; ').includes(schema));
  const part = section?.split(/^#### /m).find((text) => text.split('\n', 1)[0] === table);
  const rows = (part ?? '').matchAll(/^\| `([^`]+)` \| (.*) \|/gm);
  return new Map([...rows].map(([, field = '', place = '']) => [field, place]));
}

test('the list has every table of the five schemas', () => {
  const tables = new Set(fields.map(({ schema, table }) => `${schema}: ${table}`));
  expect(tables.size).toBe(10 * 2 + 4 + 6 + 8);
  expect(fields.length).toBeGreaterThan(240);
});

test('every field of the list has its column in the migrated database', async () => {
  const columns = await database.asOperator((em) =>
    query<{ name: string }>(
      em,
      `select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public'`,
    ),
  );
  const present = new Set(columns.map(({ name }) => name));
  const missing = fields.flatMap(({ schema, table, field, columns: wanted }) =>
    wanted.filter((column) => !present.has(column)).map((column) => `${schema}: ${table}.${field} → ${column}`),
  );
  expect(missing).toEqual([]);
  expect(fields.filter(({ columns: wanted }) => wanted.length === 0)).toEqual([]);
});

describe('docs/data-model.md', () => {
  test('shows every field of the list, with its column', () => {
    const missing = fields.filter(({ schema, table, field, columns }) => {
      const place = rowsOf(schema, table).get(field);
      return place === undefined || columns.some((column) => !place.includes(`\`${column}\``));
    });
    expect(missing).toEqual([]);
  });

  test('names every table of the database', async () => {
    const tables = await database.asOperator((em) =>
      query<{ name: string }>(
        em,
        `select relname as name from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
           and relname <> 'mikro_orm_migrations'`,
      ),
    );
    expect(tables.filter(({ name }) => !page.includes(`| \`${name}\` |`))).toEqual([]);
  });

  test('names only indexes that exist', async () => {
    const [, section = ''] = /^## Indexes\n([\s\S]*?)^## /m.exec(page) ?? [];
    const named = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(7);
    const existing = await database.asOperator((em) =>
      query<{ name: string }>(em, `select indexname as name from pg_indexes where schemaname = 'public'`),
    );
    const names = new Set(existing.map(({ name }) => name));
    expect(named.filter((name) => !names.has(name!))).toEqual([]);
  });
});
