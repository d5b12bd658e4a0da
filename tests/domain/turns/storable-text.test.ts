import { describe, expect, test } from '@jest/globals';
import { storableValue } from '../../../domain/turns/storable-text.ts';

describe('storableValue', () => {
  test('takes out of every text, keys included, what PostgreSQL cannot keep', () => {
    const value = { 'a\0': ['x\0y', '\ud83d', { deep: '\udc00!' }], plain: 1, none: null };
    expect(storableValue(value)).toEqual({ a: ['xy', '\ufffd', { deep: '\ufffd!' }], plain: 1, none: null });
  });

  test('leaves texts that only speak of such characters as they are', () => {
    const value = { reason: String.raw`ends with \u0000`, other: String.raw`\u0000b and \ud83d` };
    expect(storableValue(value)).toEqual(value);
  });
});
