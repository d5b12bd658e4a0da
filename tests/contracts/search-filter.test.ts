import { describe, expect, test } from '@jest/globals';
import { filterLimits, findFilterMistakes } from '../../contracts/search-filter.ts';

const mistakes = (filter: unknown) => findFilterMistakes(filter, 'filters');

describe('a filter that is right', () => {
  test.each([
    {},
    { 'metadata.department': 'legal' },
    { 'metadata.a."key.with.dots".c': { gte: 1, lt: 2 } },
    { 'metadata.tags': { in: ['a', 1, true, null] }, author: { ne: null } },
    { created_at: { gte: '2026-01-31', lt: '2026-02-01T12:00:00Z' }, is_global: true },
    { or: [{ title: 'a' }, { and: [{ not: { path: { nin: ['b'] } } }] }], language: { exists: true } },
    { id: '0198c7a0-0000-7000-8000-000000000000' },
  ])('%j', (filter) => {
    expect(mistakes(filter)).toEqual([]);
  });
});

describe('a mistake is named with its place', () => {
  test.each([
    [[], 'filters', 'must be an object'],
    [{ colour: 'red' }, 'filters.colour', 'is no field of a filter: use id, '],
    [{ metadata: { a: 1 } }, 'filters.metadata', 'is no field'],
    [{ 'metadata.a': { like: 'x' } }, 'filters.metadata.a.like', 'is no operator for this field: use eq, '],
    [{ is_global: { gt: true } }, 'filters.is_global.gt', 'is no operator'],
    [{ 'metadata.a': {} }, 'filters.metadata.a', 'needs an operator'],
    [{ 'metadata.a': { gt: true } }, 'filters.metadata.a.gt', 'must be a string or number, not true'],
    [{ 'metadata.a': { gt: null } }, 'filters.metadata.a.gt', 'not null'],
    [{ 'metadata.a': { eq: [1] } }, 'filters.metadata.a.eq', 'not a list'],
    [{ 'metadata.a': [1] }, 'filters.metadata.a', 'not a list'],
    [{ title: 5 }, 'filters.title', 'must be a string, not 5'],
    [{ title: { in: [] } }, 'filters.title.in', 'list of 1 to 1000'],
    [{ title: { in: ['a', 5] } }, 'filters.title.in', 'not 5'],
    [{ title: { exists: 'yes' } }, 'filters.title.exists', 'true or false'],
    [{ created_at: 'soon' }, 'filters.created_at', 'ISO 8601'],
    [{ id: 'seven' }, 'filters.id', 'UUID'],
    [{ title: 'a\0b' }, 'filters.title', 'NUL'],
    [{ title: 'x'.repeat(1001) }, 'filters.title', '1000 characters'],
    [{ or: [] }, 'filters.or', 'list of filters'],
    [{ and: { a: 1 } }, 'filters.and', 'list of filters'],
    [{ or: [{ title: 'a' }, { not: { colour: 1 } }] }, 'filters.or.1.not.colour', 'is no field'],
    [{ 'metadata.': 1 }, 'filters.metadata.', 'is no field'],
    [{ "metadata.a' or true --": { regex: 'x' } }, "filters.metadata.a' or true --.regex", 'is no operator'],
    [{ constructor: 'x' }, 'filters.constructor', 'is no field'],
  ])('%j', (filter, path, message) => {
    expect(mistakes(filter)).toEqual([{ path, message: expect.stringContaining(message) }]);
  });

  test('nesting and the number of conditions are bounded', () => {
    const nested = (depth: number): object => (depth === 1 ? { title: 'a' } : { not: nested(depth - 1) });
    expect(mistakes(nested(filterLimits.depth))).toEqual([]);
    expect(mistakes(nested(filterLimits.depth + 1))[0]!.message).toContain('nested deeper');
    const many = { or: Array.from({ length: filterLimits.conditions + 1 }, () => ({ title: 'a' })) };
    expect(mistakes(many)[0]!.message).toContain('101 conditions');
  });
});
