import { describe, expect, test } from '@jest/globals';
import { locateJsonError } from '../../api/middleware/locate-json-error.ts';

/** A small generator of numbers that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const valid = JSON.stringify(
  {
    title: 'a "quoted" \\ text \u00e9',
    n: [0, -1.5e3, 1e-7, true, false, null, {}, [], [[1]], ''],
    deep: { a: { b: [] } },
  },
  null,
  2,
);

/** Where the engine says the first mistake is, null when its message does not tell. */
function engineOffset(text: string): number | null {
  try {
    JSON.parse(text);
    throw new Error('this is valid');
  } catch (error) {
    const at = /at position (\d+)/.exec((error as Error).message)?.[1];
    return at === undefined ? null : Number(at);
  }
}

function isValid(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the place of a mistake in JSON', () => {
  test.each([
    ['{"a": }', 1, 7],
    ['{"a" 1}', 1, 6],
    ['{a: 1}', 1, 2],
    ['[1, 2,]', 1, 7],
    ['[1 2]', 1, 4],
    ['{"a": 1,}', 1, 9],
    ['{"a": 1}}', 1, 9],
    ['nul', 1, 1],
    ['"open', 1, 1],
    ['{\n  "a": 1,\n  "b": x\n}', 3, 8],
    ['[1', 1, 3],
    ['', 1, 1],
    [']', 1, 1],
  ])('of %j is line %i, column %i', (text, line, column) => {
    expect(isValid(text)).toBe(false);
    expect(locateJsonError(text)).toMatchObject({ line, column });
  });

  test('is never past the engine’s own, and the engine finds nothing wrong before it', () => {
    const random = seeded(20_261_122);
    const characters = '{}[]",:0a \n\\-.e';
    let compared = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const at = Math.floor(random() * valid.length);
      const character = characters[Math.floor(random() * characters.length)]!;
      const text = valid.slice(0, at) + (random() < 0.5 ? character : '') + valid.slice(at + Math.floor(random() * 2));
      if (isValid(text)) continue;
      const { offset } = locateJsonError(text);
      expect(offset).toBeLessThanOrEqual(engineOffset(text) ?? text.length);
      const prefix = text.slice(0, offset);
      // What came before is whole, or lacks only what should follow.
      if (!isValid(prefix)) expect(engineOffset(prefix) ?? prefix.length).toBeGreaterThanOrEqual(prefix.length);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(2_000);
  });

  test('of very deep nesting does not exhaust the stack', () => {
    expect(locateJsonError(`${'['.repeat(1_000_000)}x`).offset).toBe(1_000_000);
  });
});
