import { describe, expect, test } from '@jest/globals';
import { extractionPrompt, messagesToRead, readExtraction } from '../../../domain/memory/extract-facts.ts';

const said_at = '2026-03-02T10:00:00.000Z';
const message = (id: string, content: string) => ({ id, content, said_at });
const answer = (...facts: Record<string, unknown>[]) => JSON.stringify({ facts });

describe('R25 recalled text is never learned again', () => {
  const recalled = new Set(['- Lives in Berlin. (2026-01-10)']);
  const originals = [
    message(
      'a',
      'You remember this of me:\n- Lives in Berlin. (2026-01-10)\n> You told me that you have a cat.\nIs that so?',
    ),
    message('b', '- Lives in Berlin. (2026-01-10)'),
    message('c', 'I work as a nurse.'),
  ];
  const read = messagesToRead(originals, recalled);

  test('the model reads the own words of the user and nothing else', () => {
    expect(read.map(({ id, content }) => [id, content])).toEqual([
      ['a', 'You remember this of me:\nIs that so?'],
      ['c', 'I work as a nurse.'],
    ]);
    expect(JSON.stringify(extractionPrompt(read))).not.toMatch(/Berlin|cat/);
  });

  test('a fact whose only support was recalled or quoted is dropped, and so is one without support', () => {
    const given = answer(
      { subject: 'home', statement: 'Lives in Berlin.', message: 1, quote: 'Lives in Berlin.' },
      { subject: 'pets', statement: 'Has a cat.', message: 1, quote: 'you have a cat' },
      { subject: 'pets', statement: 'Has a horse.', message: 2, quote: 'I have a horse' },
      { subject: 'work', statement: 'Works as a nurse.', message: 2, quote: 'work as a nurse' },
    );
    expect(readExtraction(given, read, originals)).toEqual({
      facts: [{ subject: 'work', statement: 'Works as a nurse.', said_at, message_id: 'c', quote: 'work as a nurse' }],
      dropped: [
        { statement: 'Lives in Berlin.', reason: 'recalled' },
        { statement: 'Has a cat.', reason: 'recalled' },
        { statement: 'Has a horse.', reason: 'no_quote' },
      ],
    });
  });
});

describe('what a model finds', () => {
  const messages = [message('a', 'I moved to Paris.'), message('b', 'I like tea.')];

  test('belongs to the message that has its words, whatever number it gave', () => {
    const given = answer({ statement: 'Lives in\nParis.', message: 2, quote: 'moved to Paris' });
    expect(readExtraction(given, messages, messages)).toMatchObject({
      facts: [{ message_id: 'a', statement: 'Lives in Paris.', subject: '' }],
    });
  });

  test('is kept once, short, and at most twenty at a time', () => {
    const many = Array.from({ length: 30 }, (_, n) => ({ statement: `Fact ${n}.`, message: 2, quote: 'I like tea' }));
    const twice = { statement: 'fact 0', message: 2, quote: 'I like tea' };
    const long = { statement: 'x'.repeat(301), message: 2, quote: 'I like tea' };
    const given = readExtraction(answer(many[0]!, twice, long, ...many.slice(1)), messages, messages);
    expect(given).toMatchObject({ dropped: [{ reason: 'twice' }, { reason: 'too_long' }] });
    expect('facts' in given && given.facts).toHaveLength(18);
  });

  test.each([
    ['', 'empty'],
    ['Nothing worth keeping.', 'not JSON'],
    ['{"facts": {}}', 'facts'],
    ['{"facts": [{"statement": "Lives in Paris."}]}', 'missing'],
  ])('%j cannot be used, and says why', (text, why) => {
    expect(readExtraction(text, messages, messages)).toEqual({ mistake: expect.stringContaining(why) });
  });
});
