import { describe, expect, test } from '@jest/globals';
import { functionName, functionNames } from '../../contracts/function-name.ts';

describe('functionName', () => {
  test.each([
    ['order status', 'order_status'],
    ['Bestell-Übersicht (neu)', 'Bestell-Ubersicht_neu'],
    ['GET /orders/{id}', 'GET_orders_id'],
    ['天气', 'tool'],
    ['__a__', 'a'],
    ['x'.repeat(100), 'x'.repeat(64)],
  ])('%s becomes %s', (name, expected) => {
    expect(functionName(name)).toBe(expected);
    expect(functionName(name)).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });
});

describe('functionNames', () => {
  test('are unique among the tools of one agent, in whatever case, and stay within 64 characters', () => {
    expect(functionNames(['a b', 'a_b', 'A b', '天', '气', 'a_b_2'])).toEqual([
      'a_b',
      'a_b_2',
      'A_b_3',
      'tool',
      'tool_2',
      'a_b_2_2',
    ]);
    const long = functionNames(Array.from({ length: 12 }, () => 'y'.repeat(80)));
    expect(new Set(long).size).toBe(12);
    for (const name of long) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });
});
