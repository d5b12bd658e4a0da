import { expect, test } from '@jest/globals';
import { cachedWorkflows } from '../../platform/cached-workflows.ts';

const mb = 1024 ** 2;

test('a worker keeps as many workflows as its heap bears, and never so few that its pollers hold all places', () => {
  expect(cachedWorkflows(64 * mb)).toBe(40);
  expect(cachedWorkflows(217 * mb)).toBe(40);
  expect(cachedWorkflows(512 * mb)).toBe(182);
  expect(cachedWorkflows(4096 * mb)).toBe(2282);
});
