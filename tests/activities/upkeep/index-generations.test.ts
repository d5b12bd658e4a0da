import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createFoldTermStatistics } from '../../../activities/upkeep/fold-term-statistics.ts';
import { createIndexGenerations } from '../../../activities/upkeep/index-generations.ts';
import { termCounter } from '../../../domain/lexical/count-terms.ts';
import { insertChunkTerms } from '../../../entities/search/chunk-terms-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { checkLexicon } from '../../../activities/invariants/check-lexicon.ts';
import { LexicalLibrary } from '../../entities/search/lexical-library.ts';
import { testDatabase } from '../../support/servers/test-database.ts';

const { url } = testDatabase();
let database: Database;
let library: LexicalLibrary;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 8 }, 'index-generations-test');
  library = await new LexicalLibrary(database).create();
});

afterAll(() => database.close());

const breaches = () => database.asOperator((em) => checkLexicon({ em, temporal: null, graceSeconds: 0 }));
const waiting = () =>
  database.asOperator(async (em) => {
    const rows = await query(em, `select 1 from document_generations where state = 'active' and language is null`);
    return rows.length;
  });

test('documents ingested before there was an index are indexed once, by any number of workers, and found', async () => {
  const long = Array.from({ length: 1100 }, (_, index) => `Paragraph ${index} about turbines and their maintenance.`);
  await library.add([{ chunks: long }, ...Array.from({ length: 9 }, () => ({ chunks: ['A valve that leaks.'] }))]);
  expect(await library.search('turbine maintenance')).toEqual([]);
  const index = createIndexGenerations({ database });
  const counts = await Promise.all([index(), index(), index()]);
  expect(counts.reduce((sum, { indexed }) => sum + indexed, 0)).toBe(10);
  expect(await waiting()).toBe(0);
  expect(await index()).toEqual({ indexed: 0 });
  expect(await breaches()).toEqual([]);
  expect((await library.search('turbine maintenance')).length).toBe(50);
  expect(await createFoldTermStatistics({ database })()).toEqual({ folded: 10 });
  expect(await breaches()).toEqual([]);
});

test('what was interrupted goes on where it was: nothing is counted twice', async () => {
  const [id] = await library.add([
    { chunks: ['First about anchors.', 'Second about anchors.', 'Third about anchors.'] },
  ]);
  const key = { workspaceId: library.workspaceId, documentId: id!, generation: 1 };
  const count = termCounter(library.workspaceId);
  const first = { index: 0, ...count([{ terms: ['first', 'about', 'anchor'], weight: 1 }]) };
  await database.inWorkspace(library.workspaceId, (em) => insertChunkTerms(em, key, [first]));
  await library.index();
  expect(await waiting()).toBe(0);
  expect(await breaches()).toEqual([]);
  expect((await library.search('anchors')).map((hit) => hit.document_id)).toEqual([id, id, id]);
});

test('a document that is deleted before its turn is left alone', async () => {
  const [id] = await library.add([{ chunks: ['Soon gone.'] }]);
  await library.delete(id!);
  await library.index();
  expect(await breaches()).toEqual([]);
  expect(await library.search('soon gone')).toEqual([]);
});
