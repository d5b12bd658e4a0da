import { describe, expect, test } from '@jest/globals';
import { findQuote, quotedText } from '../../../domain/citations/find-quote.ts';
import { foldText } from '../../../domain/citations/fold-text.ts';
import { seededRandom, seededText } from '../chunking/seeded-text.ts';

function found(text: string, quote: string): string | null {
  const span = findQuote(quotedText(text), quote);
  return span && text.slice(span.start, span.end);
}

describe('findQuote (R30)', () => {
  test.each([
    ['white space', 'a blob  part\n\thas 1 MB', 'has\u00a0one blob part has 1 MB', null],
    ['line ends', 'The blob part\r\nhas 1 MB.', 'blob part has 1 MB', 'blob part\r\nhas 1 MB'],
    [
      'quotes and dashes',
      'the worker’s “last” step – always',
      `worker's "last" step - always`,
      'worker’s “last” step – always',
    ],
    ['ligatures and wide forms', 'the ﬁrst ＡＢＣ of eﬃcient', 'first ABC of efficient', 'ﬁrst ＡＢＣ of eﬃcient'],
    ['composed accents', 'un cafe\u0301 cre\u0300me', 'un café crème', 'un cafe\u0301 cre\u0300me'],
    ['marks of emphasis', 'run **npm** `start` now', 'run npm start', 'run **npm** `start'],
    ['soft hyphens', 'a docu\u00adment store', 'document store', 'docu\u00adment store'],
    ['case and the stop at its end', 'So the cache is kept; others go.', 'The cache is kept.', 'the cache is kept'],
    ['omissions', 'One part stays where it was. Then nothing.', 'one ... stays where it was', 'stays where it was'],
    ['Japanese', '既定のポートは７４００です。', 'ポートは7400', 'ポートは７４００'],
    ['what is not there', 'Retries are Temporal’s.', 'Retries are ours alone', null],
  ])('looks past %s and gives the own spelling of the text', (_, text, quote, expected) => {
    expect(found(text, quote)).toBe(expected);
  });

  test.each(Array.from({ length: 40 }, (_, seed) => seed))('maps offsets back exactly for seed %i', (seed) => {
    const random = seededRandom(seed + 77);
    const text = `${seededText(seed, 40)} “ﬁnal” cafe\u0301 — done`;
    const from = Math.floor(random() * text.length);
    const piece = text.slice(from, from + 12 + Math.floor(random() * 80));
    const disguised = piece.replaceAll(/\s+/g, ' \n ').toUpperCase().normalize('NFKC').replaceAll('—', '-');
    const span = findQuote(quotedText(text), disguised);
    const wanted = foldText(disguised).text.trim();
    if (span === null) {
      expect(wanted.length < 8 || !foldText(text).text.includes(wanted)).toBe(true);
      return;
    }
    const got = foldText(text.slice(span.start, span.end)).text.trim();
    // A ligature or a syllable that the quote cuts is given whole.
    expect(got).toContain(wanted.includes(got) ? got : wanted);
    expect(span.end).toBeLessThanOrEqual(text.length);
  });
});
