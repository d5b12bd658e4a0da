import { describe, expect, test } from '@jest/globals';
import { embeddingBatches } from '../../../activities/ingestion/embedding-batches.ts';

const texts = (sizes: readonly number[]) =>
  sizes.map((size, index) => ({ text: 'x'.repeat(size), hash: Buffer.alloc(32), indexes: [index] }));
const batched = (sizes: readonly number[], modelBatch: number) =>
  [...embeddingBatches(texts(sizes), modelBatch)].map((batch) => batch.flatMap((item) => item.indexes));

describe('embeddingBatches', () => {
  test('keeps every text once, in order, in batches that the model takes', () => {
    expect(batched(Array(10).fill(5), 4)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(batched(Array(150).fill(5), 1000).map((batch) => batch.length)).toEqual([64, 64, 22]);
    expect(batched([], 4)).toEqual([]);
  });

  test('bounds the text of a batch, and lets a text through that alone is larger', () => {
    expect(batched([200_000, 100_000, 300_000, 10, 10], 64)).toEqual([[0], [1], [2], [3, 4]]);
  });
});
