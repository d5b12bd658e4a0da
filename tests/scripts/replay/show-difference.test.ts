import { expect, test } from '@jest/globals';
import { showDifference } from '../../../scripts/replay/show-difference.ts';

test('equal texts have no difference', () => {
  expect(showDifference('a\nb', 'a\nb')).toBeNull();
});

test('a difference is shown as a unified hunk with three lines around it', () => {
  const was = ['1', '2', '3', '4', 'old', '6', '7', '8', '9'].join('\n');
  const is = ['1', '2', '3', '4', 'new', 'more', '6', '7', '8', '9'].join('\n');
  expect(showDifference(was, is)).toBe(
    ['--- recorded', '+++ now', '@@ -2,7 +2,8 @@', ' 2', ' 3', ' 4', '-old', '+new', '+more', ' 6', ' 7', ' 8'].join(
      '\n',
    ),
  );
});

test('what was added at the end, or is nothing at all, is shown too', () => {
  expect(showDifference('a', 'a\nb')).toBe('--- recorded\n+++ now\n@@ -1,1 +1,2 @@\n a\n+b');
  expect(showDifference('', 'b')).toBe('--- recorded\n+++ now\n@@ -1,1 +1,1 @@\n-\n+b');
});
