import { describe, expect, test } from '@jest/globals';
import { resolveCitations } from '../../../domain/citations/resolve-citations.ts';

const passages = [
  { n: 1, text: "Retries are Temporal's. A blob part has 1 MB. Wake-ups carry no content." },
  { n: 2, text: 'Schedules are shared by all replicas.\nThe default port is 7400.' },
];

describe('resolveCitations (R30)', () => {
  test('a quote in the statement is found at its place in the passage', () => {
    const [citation] = resolveCitations('The documents say: "A blob part has 1 MB." [1]', passages);
    expect(citation).toEqual({ position: 0, marker: 1, quote: 'A blob part has 1 MB.', start: 24, end: 45 });
  });

  test('every quote stands in the passage that its marker names, whatever the answer says', () => {
    const answers = [
      'Ports: the default is 7400 [2]. Parts have one megabyte [1][2].',
      'He wrote "this was never written anywhere" [1]',
      'Nothing in common 42 [2] and again [2]',
      '[1]',
    ];
    for (const answer of answers) {
      for (const citation of resolveCitations(answer, passages)) {
        const passage = passages.find((candidate) => candidate.n === citation.marker);
        expect(passage?.text.slice(citation.start, citation.end)).toBe(citation.quote);
        expect(citation.quote).not.toBe('');
      }
    }
  });

  test("a mark within quoted words of a document is the document's, not a citation", () => {
    const manual = { n: 1, text: 'The answer shows [2] behind the second statement. It is short.' };
    const citations = resolveCitations('It says: "The answer shows [2] behind the second statement." [1]', [
      manual,
      { n: 2, text: 'Something else entirely.' },
    ]);
    expect(citations.map(({ marker, quote }) => [marker, quote])).toEqual([
      [1, 'The answer shows [2] behind the second statement.'],
    ]);
  });

  test('quotes in the spelling of the passage what the answer wrote with other quotes, dashes and line ends', () => {
    const passage = { n: 1, text: 'It says:\nthe worker’s lease — ten\nseconds — ends. Version 3.2 is kept.' };
    const cite = (answer: string) => resolveCitations(answer, [passage]).map(({ quote }) => quote);
    expect(cite(`"the worker's lease - ten seconds - ends." [1]`)).toEqual([
      'the worker’s lease — ten\nseconds — ends.',
    ]);
    expect(cite('Version 3.2 stays [1].')).toEqual(['Version 3.2 is kept.']);
  });

  test('finds the sentence of a Japanese passage that says what the answer says', () => {
    const text = '保存期間は三十日です。既定のポートは7400です。再試行は五回です。';
    const [citation] = resolveCitations('ポートの既定は7400です [1]。', [{ n: 1, text }]);
    expect(citation?.quote).toBe('既定のポートは7400です。');
  });

  test('words without a quote cite the closest sentence', () => {
    const citations = resolveCitations('The server listens on port 7400 by default [2].', passages);
    expect(citations.map((citation) => citation.quote)).toEqual(['The default port is 7400.']);
  });

  test('a marker of no passage is no citation, and the same citation is listed once', () => {
    expect(resolveCitations('So it is [7].', passages)).toEqual([]);
    expect(
      resolveCitations('"The default port is 7400." [2] Yes: "The default port is 7400." [2]', passages),
    ).toHaveLength(1);
  });
});
