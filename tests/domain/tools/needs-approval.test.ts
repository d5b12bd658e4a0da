import { describe, expect, test } from '@jest/globals';
import { findConditionMistakes } from '../../../contracts/search-filter.ts';
import { meetsCondition } from '../../../domain/tools/meets-condition.ts';
import { needsApproval } from '../../../domain/tools/needs-approval.ts';

const order = {
  total: 250,
  currency: 'EUR',
  express: true,
  note: null,
  tags: ['gift', 'fragile'],
  customer: { country: 'DE', 'vat.id': 'DE1', addresses: [{ city: 'Bonn' }] },
};

describe('needsApproval', () => {
  test('never, always, and when the arguments meet the condition', () => {
    expect(needsApproval({ mode: 'never' }, order)).toBe(false);
    expect(needsApproval({ mode: 'always' }, {})).toBe(true);
    const approval = { mode: 'when', condition: { total: { gt: 100 } } } as const;
    expect([needsApproval(approval, order), needsApproval(approval, { total: 100 })]).toEqual([true, false]);
  });
});

describe('meetsCondition', () => {
  test.each([
    [{ total: 250 }, true],
    [{ total: '250' }, false],
    [{ total: { gt: 249.9, lte: 250 } }, true],
    [{ total: { lt: 250 } }, false],
    [{ total: { gt: '1' } }, false],
    [{ currency: { gte: 'EUR', lt: 'EUS' } }, true],
    [{ currency: { in: ['USD', 'EUR'] } }, true],
    [{ currency: { nin: ['USD', 'EUR'] } }, false],
    [{ currency: { ne: 'USD' } }, true],
    [{ express: true }, true],
    [{ tags: 'gift' }, true],
    [{ tags: { in: ['glass', 'fragile'] } }, true],
    [{ tags: { ne: 'gift' } }, false],
    [{ tags: { gt: 'a' } }, false],
    [{ 'customer.country': 'DE' }, true],
    [{ 'customer."vat.id"': 'DE1' }, true],
    [{ 'customer.country.code': 'DE' }, false],
    [{ 'customer.missing': { exists: false } }, true],
    [{ note: { exists: true } }, false],
    [{ note: null }, true],
    [{ missing: null }, true],
    [{ missing: { ne: 'x' } }, true],
    [{ missing: { gt: 1 } }, false],
    [{ toString: { exists: true } }, false],
    [{ and: [{ total: { gt: 100 } }, { currency: 'USD' }] }, false],
    [{ or: [{ total: { gt: 1000 } }, { express: true }] }, true],
    [{ not: { currency: 'EUR' } }, false],
    [{ not: { or: [{ total: 1 }, { total: 2 }] }, express: true }, true],
    [{}, true],
  ] as Array<[Record<string, unknown>, boolean]>)('%j is %s', (condition, expected) => {
    expect(findConditionMistakes(condition, 'condition')).toEqual([]);
    expect(meetsCondition(condition, order)).toBe(expected);
  });

  test('orders texts by their code points, as the database does', () => {
    // In UTF-16 the emoji, whose first half is \ud83d, would come before the full-width letter.
    expect(meetsCondition({ name: { gt: 'ｚ' } }, { name: '😀' })).toBe(true);
    expect(meetsCondition({ name: { lt: '😁' } }, { name: '😀' })).toBe(true);
    expect(meetsCondition({ name: { lt: 'ab' } }, { name: 'a' })).toBe(true);
    expect(meetsCondition({ name: { gte: 'ab' } }, { name: 'ab' })).toBe(true);
  });

  test('an operator that nobody knows asks a person rather than nobody', () => {
    expect(meetsCondition({ total: { about: 250 } }, order)).toBe(true);
  });
});

describe('findConditionMistakes', () => {
  test.each([
    [{ total: { above: 3 } }, 'condition.total.above'],
    [{ total: {} }, 'condition.total'],
    [{ total: { gt: [1] } }, 'condition.total.gt'],
    [{ 'a..b': 1 }, 'condition.a..b'],
    [{ or: [] }, 'condition.or'],
    ['total > 3', 'condition'],
  ])('%j is refused at %s', (condition, path) => {
    expect(findConditionMistakes(condition, 'condition')).toEqual([{ path, message: expect.any(String) }]);
  });
});
