import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { open, seal, SealError } from '../../platform/seal.ts';

const key = randomBytes(32).toString('base64');

test('what was sealed opens again, and never looks the same twice', () => {
  const sealed = seal(key, 'sk-ünïcode');
  expect(sealed).toMatch(/^sealed:[0-9a-f]{8}:[\w-]{16}:[\w-]+$/);
  expect(sealed).not.toContain('sk-');
  expect(seal(key, 'sk-ünïcode')).not.toBe(sealed);
  expect(open(key, sealed)).toBe('sk-ünïcode');
});

test('a value sealed with another key names both keys and neither secret', () => {
  const other = randomBytes(32).toString('base64url');
  expect(() => open(key, seal(other, 'secret'))).toThrow(/was sealed with the key [0-9a-f]{8}, and PERDURE_SECRET_KEY/);
});

test('a changed value does not open', () => {
  const sealed = seal(key, 'secret');
  const at = sealed.length - 10;
  const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
  expect(() => open(key, changed)).toThrow(SealError);
  expect(() => open(key, 'plain text')).toThrow('not sealed');
  expect(() => open(key, sealed.slice(0, -30))).toThrow(SealError);
});
