import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { seededRandom } from '../../bench/data/seeded-random.ts';
import { findFilterMistakes } from '../../contracts/search-filter.ts';
import { query } from '../../entities/sql.ts';
import { createDatabase } from '../../platform/database.ts';
import type { Database } from '../../platform/database.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import { search } from '../../retrieval/search.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { matchesFilter } from './filter-oracle.ts';
import type { FilteredDocument } from './filter-oracle.ts';
import { Library } from './library.ts';

const clone = testDatabase();
let database: Database;
let library: Library;
const documents = new Map<string, FilteredDocument>();
const random = seededRandom(7);
const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;

const names = ["o'neil", 'naïve', '', 'a"b', '{curly}', '日本', 'Zoe', 'zoe', '100%', '\\d'];
const values = [1, 2, 2.5, -3, 0, 1e21, true, false, null, ...names];
const authors = ['Ada', 'ada', "O'Neil", null];
const paths = ['metadata.a', 'metadata.b.c', 'metadata.b.d.e', 'metadata.tags', 'metadata.nowhere'];

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: clone.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  library = await new Library(database).create();
  for (let index = 0; index < 60; index += 1) {
    const metadata: Record<string, unknown> = { n: index, b: { c: pick(values), d: { e: pick(values) } } };
    if (random.uniform() < 0.8) metadata['a'] = pick(values);
    if (random.uniform() < 0.5) metadata['tags'] = Array.from({ length: random.below(3) }, () => pick(values));
    const fields = { title: `Document ${index % 7}`, author: pick(authors), document_type: pick(['text', 'code']) };
    const id = await library.add(fields.title, [{ content: `zebra ${index}`, vector: [1, index / 60, 0] }]);
    await database.asOperator((em) =>
      query(em, `update documents set metadata = $2, author = $3, document_type = $4 where id = $1`, [
        id,
        JSON.stringify(metadata),
        fields.author,
        fields.document_type,
      ]),
    );
    documents.set(id, { fields: { ...fields, id, is_global: true }, metadata });
  }
});
afterAll(() => database.close());

const embeddingModel = {
  embed: async () => ({ vectors: [Float32Array.from([1, 0, 0])], usage: { promptTokens: null } }),
};

async function found(filter: Record<string, unknown>, strategy: 'vector' | 'text' = 'vector'): Promise<string[]> {
  const { workspaceId, modelId } = library;
  const request = { workspaceId, userId: null, modelId, query: 'zebra', limit: 100, filter, strategy };
  const { hits } = await search({ database, embeddingModel, textAnalyzer }, request);
  return hits.map((hit) => hit.documentId).sort();
}

const expected = (filter: Record<string, unknown>): string[] =>
  [...documents]
    .filter(([, document]) => matchesFilter(document, filter))
    .map(([id]) => id)
    .sort();

function randomCondition(): Record<string, unknown> {
  const field = random.uniform() < 0.25 ? pick(['author', 'title', 'document_type']) : pick(paths);
  const text = !field.startsWith('metadata.');
  const value = () => (text ? pick([...authors, 'Document 3', 'code']) : pick(values));
  switch (pick(['short', 'eq', 'ne', 'in', 'nin', 'exists', 'order', 'range'])) {
    case 'short':
      return { [field]: value() };
    case 'eq':
      return { [field]: { eq: value() } };
    case 'ne':
      return { [field]: { ne: value() } };
    case 'in':
      return { [field]: { in: [value(), value()] } };
    case 'nin':
      return { [field]: { nin: [value(), value(), value()] } };
    case 'exists':
      return { [field]: { exists: random.uniform() < 0.5 } };
    case 'order':
      return {
        [field]: {
          [pick(['gt', 'gte', 'lt', 'lte'])]: text || random.uniform() < 0.4 ? pick(names) : pick([1, 2, 2.5]),
        },
      };
    default:
      return text ? { [field]: { gte: 'A', lt: 'P' } } : { [field]: { gt: -4, lte: 2 } };
  }
}

function randomFilter(depth: number): Record<string, unknown> {
  const draw = random.uniform();
  if (depth === 0 || draw < 0.4) return randomCondition();
  if (draw < 0.6) return { not: randomFilter(depth - 1) };
  const parts = Array.from({ length: 1 + random.below(3) }, () => randomFilter(depth - 1));
  return draw < 0.9 ? { [draw < 0.75 ? 'or' : 'and']: parts } : Object.assign({}, ...parts);
}

describe('filters', () => {
  test('150 random filters over metadata and fields find exactly what they mean', async () => {
    let partly = 0;
    for (let round = 0; round < 150; round += 1) {
      const filter = randomFilter(3);
      expect(findFilterMistakes(filter, 'filters')).toEqual([]);
      const wanted = expected(filter);
      if (wanted.length > 0 && wanted.length < documents.size) partly += 1;
      expect({ filter, found: await found(filter, round % 2 === 0 ? 'vector' : 'text') }).toEqual({
        filter,
        found: wanted,
      });
    }
    expect(partly).toBeGreaterThan(60);
  });

  test('documents are told apart by id, time, visibility and what names a key with dots', async () => {
    const [id] = [...documents.keys()];
    expect(await found({ id: id! })).toEqual([id]);
    expect(await found({ id: { nin: [...documents.keys()].slice(1) } })).toEqual([id]);
    expect(await found({ is_global: false })).toEqual([]);
    expect((await found({ created_at: { gte: '2020-01-01', lt: '2999-01-01T00:00:00Z' } })).length).toBe(60);
    expect(await found({ created_at: { lt: '2020-01-01' } })).toEqual([]);
    await database.asOperator((em) =>
      query(em, `update documents set metadata = metadata || '{"a.b": {"c": "dotted"}}' where id = $1`, [id]),
    );
    expect(await found({ 'metadata."a.b".c': 'dotted' })).toEqual([id]);
    expect(await found({ 'metadata.a.b.c': 'dotted' })).toEqual([]);
  });

  test('what would be SQL is a value', async () => {
    for (const evil of ["' or true --", "'); drop table documents; --", '$1', '%s', "\\' or 1=1"]) {
      expect(await found({ 'metadata.a': evil })).toEqual([]);
      expect(await found({ [`metadata.${evil.replaceAll('.', '')}`]: 1 })).toEqual([]);
      expect(await found({ author: { in: [evil] } })).toEqual([]);
    }
    expect((await found({})).length).toBe(60);
  });

  test('what the database is given past the checks is refused with its place, or finds nothing', async () => {
    for (const [filter, place] of [
      [{ colour: 1 }, 'filters.colour'],
      [{ or: [{ title: { like: 'x' } }] }, 'filters.or.0.title.like'],
      [{ or: [] }, 'filters.or'],
      [{ title: { gt: null } }, 'filters.title.gt'],
      [{ id: 'seven' }, 'filters.id'],
      [{ 'metadata.a': { eq: {} } }, 'filters.metadata.a.eq'],
      [{ 'metadata.a': { gt: true } }, 'filters.metadata.a.gt'],
      [{ 'metadata.': 1 }, 'filters.metadata.'],
      [{ active_generation: 1 }, 'filters.active_generation'],
    ] as const)
      await expect(found(filter)).rejects.toMatchObject({
        code: 'invalid_filter',
        detail: expect.stringContaining(`${place}: `),
      });
  });
});
