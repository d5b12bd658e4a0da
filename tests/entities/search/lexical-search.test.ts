import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { foldTermStatistics } from '../../../entities/search/term-statistics-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { ZipfText } from '../../../bench/data/zipf-text.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { LexicalLibrary } from './lexical-library.ts';

const { url } = testDatabase();
let database: Database;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 6 }, 'lexical-search-test');
});

afterAll(() => database.close());

describe('languages', () => {
  const documents = {
    zh: '数据库管理系统的备份每天凌晨执行。恢复数据需要管理员批准。',
    ja: 'データベースのバックアップは毎晩実行されます。復元には管理者の承認が必要です。',
    ko: '데이터베이스 백업은 매일 밤 실행됩니다. 복원하려면 관리자의 승인이 필요합니다.',
    th: 'ระบบสำรองข้อมูลของฐานข้อมูลทำงานทุกคืน การกู้คืนต้องได้รับอนุมัติจากผู้ดูแลระบบ',
    de: 'Die Häuser der Stadt wurden von den Versicherungen in diesem Jahr neu bewertet.',
    fr: 'Les chevaux du village ont été soignés par les vétérinaires pendant tout l’hiver.',
    ru: 'Системы резервного копирования запускаются каждую ночь, восстановление требует разрешения.',
    en: 'Backups of the databases are running every night, and restoring them needs an approval.',
  };
  let library: LexicalLibrary;
  const languageOf = new Map<string, string>();

  beforeAll(async () => {
    library = await new LexicalLibrary(database).create();
    const ids = await library.add(Object.values(documents).map((content) => ({ chunks: [content] })));
    for (const [place, language] of Object.keys(documents).entries()) languageOf.set(ids[place]!, language);
    await library.index();
  });

  const present = () =>
    database.asOwner(async (em) => {
      const [row] = await query<{ languages: string[] }>(em, 'select lexical_languages($1) as languages', [
        library.workspaceId,
      ]);
      return row!.languages;
    });

  test('R23 the languages of the documents are known, before folding and after', async () => {
    const languages = Object.keys(documents).sort();
    expect([...(await present())].sort()).toEqual(languages);
    await database.asOperator((em) => foldTermStatistics(em, 100));
    expect([...(await present())].sort()).toEqual(languages);
  });

  test.each([
    ['zh', '备份数据库'],
    ['ja', 'データベース 復元'],
    ['ko', '백업 관리자'],
    ['th', 'สำรองข้อมูล'],
    ['de', 'Haus Versicherung'],
    ['fr', 'cheval vétérinaire'],
    ['ru', 'система резервное копирование'],
    ['en', 'backup of a database'],
  ])('R23 %s: a query finds its document first', async (language, text) => {
    const hits = await library.search(text, { languages: await present() });
    expect(languageOf.get(hits[0]!.document_id)).toBe(language);
  });
});

describe('many chunks', () => {
  const chunkCount = 3000;
  const share = v7();
  let library: LexicalLibrary;
  let text: ZipfText;

  beforeAll(async () => {
    library = await new LexicalLibrary(database).create('en');
    await library.addSource(share, 'en');
    text = new ZipfText(3);
    await library.add(
      Array.from({ length: chunkCount / 5 }, (_, place) => ({
        chunks: Array.from({ length: 5 }, () => text.passage(place % 40, 40)),
        ...(place % 10 === 0 && { sourceId: share }),
        isGlobal: place % 7 !== 0,
      })),
    );
    await library.index();
    await database.asOperator((em) => foldTermStatistics(em, 400));
    await database.asOwner((em) => query(em, 'analyze documents, chunk_terms, term_statistics'));
  }, 120_000);

  const questions = () => [
    ...Array.from({ length: 8 }, (_, topic) => text.question(topic * 5)),
    text.commonest(1)[0]!,
    text.commonest(4).slice(1).join(' '),
    `${text.commonest(2)[1]} never-seen`,
  ];

  test('R20 candidates: every hit has its true score, none is missing, and the best ten are nearly always found', async () => {
    let found = 0;
    let wanted = 0;
    for (const question of questions()) {
      const truth = await library.search(question, { depth: 20, budget: 1_000_000 });
      const hits = await library.search(question, { depth: 20, budget: 150 });
      expect(hits.length).toBe(truth.length);
      const all = await library.search(question, { depth: 1000, budget: 1_000_000 });
      const scores = new Map(all.map((hit) => [`${hit.document_id}/${hit.chunk_index}`, hit.score]));
      for (const hit of hits) {
        const score = scores.get(`${hit.document_id}/${hit.chunk_index}`);
        if (score !== undefined) expect(hit.score).toBeCloseTo(score, 9);
      }
      const ten = Math.min(10, truth.length);
      wanted += ten;
      found += hits.slice(0, ten).filter((hit) => hit.score >= truth[ten - 1]!.score - 1e-9).length;
    }
    expect(found / wanted).toBeGreaterThan(0.9);
  });

  test('R20 a filter and the right to see are exact, and the same question has the same answer', async () => {
    const allowed = new Set(
      (
        await database.asOperator((em) =>
          query<{ id: string }>(em, `select id from documents where knowledge_source_id = $1 and is_global`, [share]),
        )
      ).map(({ id }) => id),
    );
    for (const question of questions().slice(0, 4)) {
      const every = await library.search(question, { depth: 1000, budget: 1_000_000 });
      const expected = every.filter((hit) => allowed.has(hit.document_id)).slice(0, 30);
      const hits = await library.search(question, { sources: [share], depth: 30 });
      expect(hits.map((hit) => hit.score.toFixed(9))).toEqual(expected.map((hit) => hit.score.toFixed(9)));
      expect(await library.search(question, { sources: [share], depth: 30 })).toEqual(hits);
      expect(await library.search(question, { condition: `d.knowledge_source_id = '${share}'`, depth: 30 })).toEqual(
        hits,
      );
    }
  });

  test('candidates come from the index, and their documents by key', async () => {
    const plan = await database.asOwner(async (em) => {
      const [asked] = await query<{ terms: string[] }>(
        em,
        `select terms from lexical_query($1, (select array_agg(key) from (
           select key from term_statistics where workspace_id = $1 order by chunks limit 3) k), array[1, 1, 1])`,
        [library.workspaceId],
      );
      await query(em, 'set local enable_seqscan = off');
      await query(em, 'set local enable_hashjoin = off');
      await query(em, 'set local enable_mergejoin = off');
      return query<{ 'QUERY PLAN': string }>(
        em,
        `explain select * from (select * from chunk_terms t where t.keys && '{${asked!.terms.join(',')}}'::bigint[] offset 0) t
         join documents d on d.id = t.document_id and d.active_generation = t.generation
         where d.workspace_id = '${library.workspaceId}' and d.deleted_at is null`,
      );
    });
    const lines = plan.map((line) => line['QUERY PLAN']).join('\n');
    expect(lines).toContain('Bitmap Index Scan on chunk_terms_keys_idx');
    expect(lines).not.toContain('Seq Scan');
  });

  test('nothing comes of a query without words, or with unknown ones', async () => {
    expect(await library.search('')).toEqual([]);
    expect(await library.search('xyzzyplugh')).toEqual([]);
  });
});
