import { describe, expect, test } from '@jest/globals';
import type { MemoryFact } from '../../../contracts/names/memory-fact.ts';
import {
  applyCondensation,
  boundMemory,
  condensationPrompt,
  cutOldest,
  planCondensation,
  readCondensation,
} from '../../../domain/memory/condense-memory.ts';
import { factLine } from '../../../domain/memory/memory-lines.ts';

const count = (text: string) => text.split(/\s+/u).filter((word) => word !== '').length;
const recentFrom = '2026-03-01T00:00:00.000Z';

function fact(n: number, said_at: string): MemoryFact {
  const statement = `Statement number ${n} about the user.`;
  const source = { source: 'learned' as const, conversation_id: null, message_id: null, quote: null };
  return { line: factLine({ statement, said_at }), subject: '', statement, said_at, ...source, supersedes: [] };
}

const old = Array.from({ length: 10 }, (_, n) => fact(n, `2026-01-${String(20 - n).padStart(2, '0')}T00:00:00.000Z`));
const recent = [fact(100, '2026-03-02T00:00:00.000Z'), fact(101, '2026-03-03T00:00:00.000Z')];
const memory = { text: [...old, ...recent].map(({ line }) => line).join('\n'), facts: [...old, ...recent] };
const recentLines = recent.map(({ line }) => line);
const plan = planCondensation(memory, { cap: 60, recentFrom, count })!;

describe('a memory over its cap', () => {
  test('is condensed where it is old, and what was said lately is untouched', () => {
    expect(plan.recent.map(({ line }) => line)).toEqual(recentLines);
    expect(JSON.stringify(condensationPrompt(plan))).not.toContain('100');
    const done = applyCondensation(memory, plan, ['Ten statements in one.'], count);
    expect(done.text.split('\n')).toEqual(['- Ten statements in one. (2026-01-20)', ...recentLines]);
    expect(done.facts.slice(1)).toEqual(recent);
    expect(done).toMatchObject({ left: 0, facts: [{ source: 'condensed', said_at: old[0]!.said_at }, {}, {}] });
    expect(planCondensation(done, { cap: 60, recentFrom, count })).toBeNull();
  });

  test('is never longer than its room, whatever the model writes', () => {
    const done = applyCondensation(memory, plan, Array(50).fill('Far more than there is room for.'), count);
    expect(done.left).toBeGreaterThan(0);
    expect(count(done.text)).toBeLessThanOrEqual(60);
  });

  test('without a model loses its oldest lines, as few as need be', () => {
    const done = cutOldest(memory, plan, count);
    expect(done.cut).toBeGreaterThan(0);
    expect(done.text.split('\n')).toEqual([...old.slice(0, 10 - done.cut).map(({ line }) => line), ...recentLines]);
    expect(count(done.text)).toBeLessThanOrEqual(60);
    expect(done.facts.map(({ line }) => line)).toEqual(done.text.split('\n'));
    expect(planCondensation(done, { cap: 60, recentFrom, count })).toBeNull();
  });

  test('is left alone where it is over its cap for recent lines alone, and where it fits', () => {
    const late = { text: recentLines.join('\n'), facts: recent };
    expect(planCondensation(late, { cap: 5, recentFrom, count })).toBeNull();
    expect(planCondensation(memory, { cap: 1000, recentFrom, count })).toBeNull();
  });

  test('is bounded by the oldest lines when it grows before that', () => {
    const bounded = boundMemory(memory, 40, count);
    expect(count(bounded.text)).toBeLessThanOrEqual(40);
    expect(bounded.text.split('\n').slice(-2)).toEqual(recentLines);
    expect(boundMemory(memory, 1000, count)).toMatchObject({ text: memory.text, cut: 0 });
  });

  test.each(['', '{"lines": []}', '{"lines": [""]}', '{"lines": ["   "]}', `{"lines": ["${'x'.repeat(501)}"]}`])(
    'the answer %j cannot be used',
    (text) => {
      expect(readCondensation(text)).toEqual({ mistake: expect.any(String) });
    },
  );
});
