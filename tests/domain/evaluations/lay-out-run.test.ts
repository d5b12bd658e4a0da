import { describe, expect, test } from '@jest/globals';
import { layOutRun } from '../../../domain/evaluations/lay-out-run.ts';

describe('layOutRun', () => {
  test.each([1, 2, 3, 4, 5, 7, 8, 9, 31, 32])('has no more and no fewer than %i items in work', (items) => {
    const { atOnce } = layOutRun(1000, items);
    expect(atOnce.reduce((sum, each) => sum + each, 0)).toBe(items);
    expect(Math.max(...atOnce)).toBeLessThanOrEqual(4);
    expect(Math.max(...atOnce) - Math.min(...atOnce)).toBeLessThanOrEqual(1);
  });

  test.each([
    [1, 8, 25],
    [100, 8, 25],
    [400, 8, 50],
    [1000, 8, 100],
    [200_000, 1, 100],
  ])('cuts %i items of %i at once into blocks of %i', (total, items, size) => {
    expect(layOutRun(total, items).itemsPerBlock).toBe(size);
  });
});
