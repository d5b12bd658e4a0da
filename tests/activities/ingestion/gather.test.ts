import { describe, expect, test } from '@jest/globals';
import { gather } from '../../../activities/ingestion/gather.ts';

describe('gather', () => {
  test('serves together who comes while others are served, at most so many, each with its own result', async () => {
    const served: number[][] = [];
    const ask = gather(3, async (items: readonly number[]) => {
      served.push([...items]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return items.map((item) => item * 10);
    });
    const first = [1, 2].map(ask);
    await new Promise((resolve) => setImmediate(resolve));
    const later = [3, 4, 5, 6].map(ask);
    expect(await Promise.all([...first, ...later])).toEqual([10, 20, 30, 40, 50, 60]);
    expect(served).toEqual([[1, 2], [3, 4, 5], [6]]);
    expect(await ask(7)).toBe(70);
  });

  test('one that cannot be served fails alone', async () => {
    const ask = gather(8, async (items: readonly number[]) => {
      if (items.includes(2)) throw new Error('not two');
      return items;
    });
    const outcomes = await Promise.allSettled([1, 2, 3].map(ask));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
