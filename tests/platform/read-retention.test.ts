import { expect, test } from '@jest/globals';
import { defaultRetention } from '../../contracts/names/retention.ts';
import { readRetention } from '../../platform/read-retention.ts';

test('what is left out is kept as long as by default, and null is for ever', () => {
  expect(readRetention('')).toEqual(defaultRetention);
  expect(readRetention('{"turn_events": null, "webhook_deliveries": 7}')).toEqual({
    ...defaultRetention,
    turn_events: null,
    webhook_deliveries: 7,
  });
});

test('usage is kept for at least the month that budgets sum up', () => {
  expect(readRetention('{"usage_rows": 32}')).toMatchObject({ usage_rows: 32 });
  expect(() => readRetention('{"usage_rows": 31}')).toThrow('usage_rows: must be at least 32');
});

test('a mistake is named with its place', () => {
  expect(() => readRetention('{"turn_events": 0}')).toThrow('turn_events');
  expect(() => readRetention('{"turn_event": 1}')).toThrow('turn_event');
  expect(() => readRetention('30 days')).toThrow('must be a JSON object');
});
