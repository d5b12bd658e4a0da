import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { meanMetrics, measureRanking } from '../../bench/retrieval/ranking-metrics.ts';
import { readRetrievalSet } from '../../bench/retrieval/read-retrieval-set.ts';

describe('the measures of a ranked list', () => {
  const list = Array.from({ length: 150 }, (_, index) => `d${index + 1}`);

  test('by hand: relevant at 2, 5, 50 and 120', () => {
    const metrics = measureRanking(list, new Set(['d2', 'd5', 'd50', 'd120']));
    const ideal = 1 + 1 / Math.log2(3) + 1 / 2 + 1 / Math.log2(5);
    expect(metrics.ndcg10).toBeCloseTo((1 / Math.log2(3) + 1 / Math.log2(6)) / ideal, 12);
    expect(metrics).toMatchObject({ recall10: 0.5, recall100: 0.75, mrr10: 0.5 });
  });

  test('nothing found, everything found, and more relevant ones than places', () => {
    expect(measureRanking([], new Set(['d1']))).toEqual({ ndcg10: 0, recall10: 0, recall100: 0, mrr10: 0 });
    expect(measureRanking(['d1'], new Set(['d1']))).toEqual({ ndcg10: 1, recall10: 1, recall100: 1, mrr10: 1 });
    expect(measureRanking(list, new Set(list))).toMatchObject({ ndcg10: 1, recall10: 10 / 150 });
    expect(measureRanking(list, new Set(['d11']))).toMatchObject({ ndcg10: 0, mrr10: 0, recall100: 1 });
  });

  test('the mean over queries', () => {
    const two = [measureRanking(['d1'], new Set(['d1'])), measureRanking(['d1'], new Set(['d2']))];
    expect(meanMetrics(two)).toEqual({ ndcg10: 0.5, recall10: 0.5, recall100: 0.5, mrr10: 0.5 });
  });
});

describe('a set', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'retrieval-set-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('has the queries that were judged, and only what is relevant', async () => {
    await writeFile(
      path.join(folder, 'corpus.jsonl'),
      '{"id": "1", "title": "T", "text": "a"}\n{"id": 2, "text": "b"}\n',
    );
    await writeFile(path.join(folder, 'queries.jsonl'), '{"id": "q1", "text": "x"}\n{"id": "q2", "text": "y"}\r\n');
    await writeFile(path.join(folder, 'qrels.tsv'), 'query-id\tcorpus-id\tscore\nq1\t1\t2\nq1\t2\t0\nq2\t2\t0\n');
    expect(await readRetrievalSet(folder)).toEqual({
      name: path.basename(folder),
      documents: [
        { id: '1', title: 'T', text: 'a' },
        { id: '2', title: '', text: 'b' },
      ],
      queries: [{ id: 'q1', text: 'x', relevant: new Set(['1']) }],
    });
  });
});
