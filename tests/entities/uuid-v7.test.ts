import { expect, test } from '@jest/globals';
import { uuidV7 } from '../../entities/uuid-v7.ts';

test('ids are of version 7, carry the time, and sort in the order in which they were made', () => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, uuidV7);
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
    true,
  );
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  const time = Number.parseInt(ids[0]!.replaceAll('-', '').slice(0, 12), 16);
  expect(Math.abs(time - before)).toBeLessThan(1000);
});
