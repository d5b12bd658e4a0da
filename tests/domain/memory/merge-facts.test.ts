import { describe, expect, test } from '@jest/globals';
import type { FoundFact, MemoryFact } from '../../../contracts/names/memory-fact.ts';
import { comparisonPrompt, readComparison } from '../../../domain/memory/compare-facts.ts';
import { annotateWritten, factLine, memoryLines } from '../../../domain/memory/memory-lines.ts';
import { factsToCompare, mergeFacts } from '../../../domain/memory/merge-facts.ts';

const day = (date: string) => `2026-${date}T10:00:00.000Z`;

function learned(statement: string, date: string): MemoryFact {
  const said_at = day(date);
  const source = { source: 'learned' as const, conversation_id: 'before', message_id: 'm', quote: statement };
  return { line: factLine({ statement, said_at }), subject: '', statement, said_at, ...source, supersedes: [] };
}

function found(statement: string, date: string): FoundFact {
  return { subject: 's', statement, said_at: day(date), message_id: `message of ${date}`, quote: statement };
}

type Case = {
  title: string;
  /** Lines of the memory with the days on which they were said, null for a line that a person has written. */
  before: [string, string | null][];
  /** In the order in which the model gave them. */
  said: [string, string][];
  /** By statements: which say the same, and which contradict each other. */
  same?: [string, string][];
  contradictions?: [string, string][];
  after: string[];
};

// What a model says of each pair is given: whether statements contradict each other is a matter of language, which stays
// and which goes is ours.
const contradictionSet: Case[] = [
  {
    title: 'a new home takes the place of the old one',
    before: [
      ['Lives in Berlin.', '01-10'],
      ['Works as a nurse.', '01-10'],
    ],
    said: [['Lives in Paris.', '03-02']],
    contradictions: [['Lives in Paris.', 'Lives in Berlin.']],
    after: ['- Works as a nurse. (2026-01-10)', '- Lives in Paris. (2026-03-02)'],
  },
  {
    title: 'what was said earlier does not come back when its conversation is learned from late',
    before: [['Lives in Paris.', '03-02']],
    said: [['Lives in Berlin.', '01-10']],
    contradictions: [['Lives in Berlin.', 'Lives in Paris.']],
    after: ['- Lives in Paris. (2026-03-02)'],
  },
  {
    title: 'a move away and back again',
    before: [['Lives in Paris.', '03-02']],
    said: [['Lives in Berlin.', '05-05']],
    contradictions: [['Lives in Berlin.', 'Lives in Paris.']],
    after: ['- Lives in Berlin. (2026-05-05)'],
  },
  {
    title: 'of two in one conversation the later stays, in whatever order the model lists them',
    before: [],
    said: [
      ['Drinks tea.', '02-02'],
      ['Drinks coffee.', '02-01'],
    ],
    contradictions: [['Drinks tea.', 'Drinks coffee.']],
    after: ['- Drinks tea. (2026-02-02)'],
  },
  {
    title: 'a line that a person has written gives way to what was said later',
    before: [['Prefers long answers.', null]],
    said: [['Prefers short answers.', '02-01']],
    contradictions: [['Prefers short answers.', 'Prefers long answers.']],
    after: ['- Prefers short answers. (2026-02-01)'],
  },
  {
    title: 'one fact may contradict two lines',
    before: [
      ['Eats meat.', '01-01'],
      ['Likes steak.', '01-02'],
      ['Has a dog.', '01-03'],
    ],
    said: [['Is a vegetarian.', '02-01']],
    contradictions: [
      ['Is a vegetarian.', 'Eats meat.'],
      ['Is a vegetarian.', 'Likes steak.'],
    ],
    after: ['- Has a dog. (2026-01-03)', '- Is a vegetarian. (2026-02-01)'],
  },
  {
    title: 'what says the same is not written twice, and counts as of the later day',
    before: [['Lives in Berlin.', '01-10']],
    said: [['Has a home in Berlin.', '04-01']],
    same: [['Has a home in Berlin.', 'Lives in Berlin.']],
    after: ['- Lives in Berlin. (2026-04-01)'],
  },
  {
    title: 'what is there word for word needs no model',
    before: [['Lives in Berlin.', '01-10']],
    said: [['lives in Berlin', '04-01']],
    after: ['- Lives in Berlin. (2026-04-01)'],
  },
  {
    title: 'a restated fact is newer than a contradiction from between',
    before: [['Lives in Berlin.', '01-10']],
    said: [
      ['Lives in Berlin.', '04-01'],
      ['Lives in Rome.', '02-01'],
    ],
    contradictions: [['Lives in Rome.', 'Lives in Berlin.']],
    after: ['- Lives in Berlin. (2026-04-01)'],
  },
  {
    title: 'what the model takes for unrelated stays side by side',
    before: [['Lives in Berlin.', '01-10']],
    said: [['Works in Potsdam.', '02-01']],
    after: ['- Lives in Berlin. (2026-01-10)', '- Works in Potsdam. (2026-02-01)'],
  },
];

describe('R25 facts that contradict each other', () => {
  test.each(contradictionSet)('$title', ({ before, said, same = [], contradictions = [], after }) => {
    const known = before.map(([statement, date]) => (date === null ? null : learned(statement, date)));
    const text = before.map(([statement], place) => known[place]?.line ?? statement).join('\n');
    const memory = { text, facts: known.filter((fact) => fact !== null) };
    const facts = said.map(([statement, date]) => found(statement, date));
    const statements = [...memoryLines(memory), ...factsToCompare(memory, facts)].map(({ statement }) => statement);
    const relate = (pairs: [string, string][], kind: 'same' | 'contradiction') =>
      pairs
        .map(([one, other]) => ({ one: statements.indexOf(one), other: statements.indexOf(other), kind }))
        .filter(({ one, other }) => one >= 0 && other >= 0);
    const relations = [...relate(same, 'same'), ...relate(contradictions, 'contradiction')];
    // Whichever way round the model names a pair.
    for (const turned of [relations, relations.map(({ one, other, kind }) => ({ one: other, other: one, kind }))]) {
      const merged = mergeFacts(memory, facts, turned, 'this conversation');
      expect(merged.text.split('\n').filter((line) => line !== '')).toEqual(after);
      const dated = new Map(merged.facts.map((fact) => [fact.line, fact]));
      expect(merged.facts.every(({ line }) => after.includes(line))).toBe(true);
      expect(after.every((line) => !line.endsWith(')') || dated.has(line))).toBe(true);
    }
  });

  test('a fact names the message it rests on and what it has taken the place of', () => {
    const memory = { text: learned('Lives in Berlin.', '01-10').line, facts: [learned('Lives in Berlin.', '01-10')] };
    const merged = mergeFacts(
      memory,
      [found('Lives in Paris.', '03-02')],
      [{ one: 1, other: 0, kind: 'contradiction' }],
      'this conversation',
    );
    expect(merged.facts).toMatchObject([
      {
        conversation_id: 'this conversation',
        message_id: 'message of 03-02',
        quote: 'Lives in Paris.',
        supersedes: [{ statement: 'Lives in Berlin.', said_at: day('01-10') }],
      },
    ]);
    expect(merged.superseded).toEqual([
      { statement: 'Lives in Berlin.', said_at: day('01-10'), by: 'Lives in Paris.' },
    ]);
  });

  test('merging the same facts again changes nothing', () => {
    const memory = { text: 'Written.\n', facts: annotateWritten('Written.\n', [], day('01-01')) };
    const facts = [found('Lives in Paris.', '03-02')];
    const once = mergeFacts(memory, facts, [], 'c');
    const twice = mergeFacts(once, facts, [], 'c');
    expect(twice).toMatchObject({ text: once.text, added: [], confirmed: [], superseded: [] });
  });
});

describe('the comparison that a model makes', () => {
  test('is asked and answered in numbers alone, so that nothing remembered is said again', () => {
    const [, user] = comparisonPrompt(['Lives in Berlin.', 'Lives in Paris.'], 1);
    expect(user!.content).toBe('The statements:\n1: Lives in Berlin.\n2 (new): Lives in Paris.');
    const answer =
      '```json\n{"pairs": [{"new": 2, "same_as": [], "contradicts": [1, 2, 7]}, {"new": 1, "same_as": [2]}]}\n```';
    expect(readComparison(answer, 2, 1)).toEqual([{ one: 1, other: 0, kind: 'contradiction' }]);
  });

  test.each(['', 'Lives in Paris.', '{"pairs": 1}', '{"pairs": [{"new": "2"}]}'])('refuses %j', (answer) => {
    expect(readComparison(answer, 2, 1)).toEqual({ mistake: expect.any(String) });
  });
});
