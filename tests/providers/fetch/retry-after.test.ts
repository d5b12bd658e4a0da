import { describe, expect, test } from '@jest/globals';

import { retryAfterMs } from '../../../providers/fetch/retry-after.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('retryAfterMs', () => {
  test.each([
    [{}, null],
    [{ 'retry-after': '' }, null],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '-1' }, null],
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': '0.0005' }, 1],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
    [{ 'retry-after-ms': '20.2', 'retry-after': '3' }, 21],
    [{ 'retry-after-ms': 'nonsense', 'retry-after': '3' }, 3_000],
  ])('reads %j as %j', (headers, expected) => {
    expect(retryAfterMs(new Headers(headers as Record<string, string>), now)).toBe(expected);
  });
});
