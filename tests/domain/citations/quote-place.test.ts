import { describe, expect, test } from '@jest/globals';
import { describePlace } from '../../../contracts/describe-place.ts';
import { quotePlace } from '../../../domain/citations/quote-place.ts';

const chunk = {
  headings: ['3 Storage', '3.1 Tables'],
  page: 12,
  page_end: 13,
  places: [
    { at: 0, page: 12, headings: ['3 Storage', '3.1 Tables'] },
    { at: 100, page: 12, headings: ['3 Storage', '3.2 Limits'] },
    { at: 150, page: 13, page_label: 'Annex', headings: ['3 Storage', '3.2 Limits'] },
  ],
};

describe('quotePlace (R30)', () => {
  test('says page and headings of the quote, not of its chunk', () => {
    expect(describe12(10, 60)).toBe('page 12, "3.1 Tables"');
    expect(describe12(110, 140)).toBe('page 12, "3.2 Limits"');
    expect(describe12(140, 160)).toBe('pages 12–13, "3.2 Limits"');
    expect(describe12(150, 160)).toBe('page 13 (Annex), "3.2 Limits"');
  });

  test('says what little is known of a chunk in one place', () => {
    expect(quotePlace({}, 0, 5)).toEqual({ page: null, pageEnd: null, pageLabel: null, headings: [] });
    expect(quotePlace({ page: 4, page_end: 4 }, 0, 5)).toMatchObject({ page: 4, pageEnd: 4, headings: [] });
    expect(describePlace({})).toBe('');
    expect(describePlace({ page: 2, page_end: 2, page_label: 'Budget', headings: ['Budget'] })).toBe(
      'page 2, "Budget"',
    );
  });

  function describe12(start: number, end: number): string {
    const { page, pageEnd, pageLabel, headings } = quotePlace(chunk, start, end);
    return describePlace({ page, page_end: pageEnd, page_label: pageLabel, headings });
  }
});
