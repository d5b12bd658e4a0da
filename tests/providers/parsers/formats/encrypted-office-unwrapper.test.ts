import { describe, expect, test } from '@jest/globals';
import { encryptedOfficeUnwrapper } from '../../../../providers/parsers/formats/encrypted-office/encrypted-office-unwrapper.ts';
import { encryptAgile, encryptStandard } from './encrypt-office.ts';
import { wideLimits } from './parse-bytes.ts';

const content = new Uint8Array(Buffer.from('PK content of a package '.repeat(500)));

function unwrap(bytes: Uint8Array, password: string | null): Uint8Array {
  const input = { mimeType: 'application/x-encrypted-office', name: null, charset: null, password, limits: wideLimits };
  return encryptedOfficeUnwrapper.unwrap(bytes, input) as Uint8Array;
}

describe('encryptedOfficeUnwrapper', () => {
  test.each([
    ['agile', encryptAgile],
    ['standard', encryptStandard],
  ])('opens %s encryption with the password, and says whether it is missing or wrong', (_, encrypt) => {
    const bytes = encrypt(content, 'pässwörd 日本');
    expect(Buffer.from(unwrap(bytes, 'pässwörd 日本')).equals(content)).toBe(true);
    expect(() => unwrap(bytes, 'wrong')).toThrow(
      expect.objectContaining({ code: 'document_encrypted', detail: expect.stringContaining('wrong') }),
    );
    expect(() => unwrap(bytes, null)).toThrow(
      expect.objectContaining({ code: 'document_encrypted', detail: expect.stringContaining('no password') }),
    );
  });

  test('opens without a password what is only protected against writing', () => {
    expect(Buffer.from(unwrap(encryptAgile(content, 'VelvetSweatshop'), null)).equals(content)).toBe(true);
  });

  test('a container that is damaged or has no password is refused with the reason', () => {
    const bytes = encryptAgile(content, 'x');
    expect(() => unwrap(bytes.subarray(0, 600), 'x')).toThrow(expect.objectContaining({ code: 'document_corrupt' }));
  });
});
