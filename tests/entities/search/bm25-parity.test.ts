import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { foldTermStatistics } from '../../../entities/search/term-statistics-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { LexicalLibrary } from './lexical-library.ts';

type Answer = [document: number, chunk: number, score: number][];

// Made by bm25s and PyStemmer: see make_reference.py beside it.
const reference = JSON.parse(readFileSync(new URL('../../fixtures/bm25s/reference.json', import.meta.url), 'utf8')) as {
  documents: string[][];
  queries: string[];
  deleted: number[];
  before: Answer[];
  after: Answer[];
};

const { url } = testDatabase();
let database: Database;
let library: LexicalLibrary;
let ids: string[];

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 4 }, 'bm25-parity-test');
  library = await new LexicalLibrary(database).create('en');
  ids = await library.add(reference.documents.map((chunks) => ({ chunks })));
  await library.index();
});

afterAll(() => database.close());

/** Every chunk that has a term of the query, with the reference's score; in the reference's order but for equal scores. */
async function expectAnswers(expected: Answer[], budget: number): Promise<void> {
  for (const [index, text] of reference.queries.entries()) {
    const hits = await library.search(text, { depth: 1000, budget });
    const scores = new Map(hits.map((hit) => [`${ids.indexOf(hit.document_id)}/${hit.chunk_index}`, hit.score]));
    expect(hits.length).toBe(expected[index]!.length);
    for (const [place, [document, chunk, score]] of expected[index]!.entries()) {
      expect(scores.get(`${document}/${chunk}`)).toBeCloseTo(score, 7);
      expect(hits[place]!.score).toBeCloseTo(score, 7);
    }
  }
}

describe('scores and ranks are those of bm25s', () => {
  test('before anything is folded', () => expectAnswers(reference.before, 5000));

  test('after some of it is folded, and all', async () => {
    const fold = () => database.asOperator((em) => foldTermStatistics(em, 50));
    expect(await fold()).toBe(50);
    await expectAnswers(reference.before, 5000);
    expect(await fold()).toBe(20);
    expect(await fold()).toBe(0);
    await expectAnswers(reference.before, 5000);
  });

  test('where the index picks the candidates: each score, as many as match, and nearly all of the best', async () => {
    let best = 0;
    let found = 0;
    for (const [index, text] of reference.queries.entries()) {
      const expected = reference.before[index]!;
      const hits = await library.search(text, { depth: 10, budget: 60 });
      const score = new Map(expected.map(([document, chunk, value]) => [`${ids[document]}/${chunk}`, value]));
      expect(hits.length).toBe(Math.min(10, expected.length));
      for (const hit of hits) {
        expect(hit.score).toBeCloseTo(score.get(`${hit.document_id}/${hit.chunk_index}`)!, 7);
      }
      const least = expected[hits.length - 1]?.[2] ?? 0;
      best += hits.length;
      found += hits.filter((hit) => hit.score >= least - 1e-7).length;
    }
    expect(found / best).toBeGreaterThan(0.95);
  });

  test('after documents were deleted, folded or not', async () => {
    for (const place of reference.deleted) await library.delete(ids[place]!);
    await expectAnswers(reference.after, 5000);
    await database.asOperator((em) => foldTermStatistics(em, 1000));
    await expectAnswers(reference.after, 5000);
  });
});
