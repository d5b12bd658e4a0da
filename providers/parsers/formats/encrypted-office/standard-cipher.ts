import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { PerdureError } from '../../../../contracts/errors.ts';
import type { OfficeCipher } from './office-cipher.ts';

// Fixed by the specification.
const spins = 50_000;
const blockLength = 16;

/** The cipher of standard encryption ([MS-OFFCRYPTO] 2.3.4.5, Office 2007); null if the password is wrong. */
export function standardCipher(info: Buffer, password: string): OfficeCipher | null {
  const headerLength = info.length >= 8 ? info.readUInt32LE(4) : 0;
  const verifierAt = 8 + headerLength;
  if (headerLength < 32 || info.length < verifierAt + 40 + 32) {
    throw new PerdureError('document_corrupt', "The description of the document's encryption is cut off.");
  }
  const keyLength = info.readUInt32LE(8 + 16) / 8;
  if (![16, 24, 32].includes(keyLength)) {
    throw new PerdureError('document_encrypted', 'The document is encrypted by a cipher other than AES.');
  }
  const salt = info.subarray(verifierAt + 4, verifierAt + 20);
  const key = deriveKey(salt, password, keyLength);
  const verifier = decrypt(key, info.subarray(verifierAt + 20, verifierAt + 36));
  const found = decrypt(key, info.subarray(verifierAt + 40, verifierAt + 72)).subarray(0, 20);
  if (!timingSafeEqual(sha1(verifier), found)) return null;
  return {
    decrypt(encryptedPackage) {
      const content = encryptedPackage.subarray(8);
      return decrypt(key, content.subarray(0, content.length - (content.length % blockLength)));
    },
  };
}

function deriveKey(salt: Buffer, password: string, keyLength: number): Buffer {
  let hash = sha1(salt, Buffer.from(password, 'utf16le'));
  const count = Buffer.alloc(4);
  for (let turn = 0; turn < spins; turn += 1) {
    count.writeUInt32LE(turn);
    hash = sha1(count, hash);
  }
  count.writeUInt32LE(0);
  const final = sha1(hash, count);
  const widened = [0x36, 0x5c].map((pad) => {
    const block = Buffer.alloc(64, pad);
    for (const [index, byte] of final.entries()) block[index] = (block[index] ?? 0) ^ byte;
    return sha1(block);
  });
  return Buffer.concat(widened).subarray(0, keyLength);
}

function decrypt(key: Buffer, data: Buffer): Buffer {
  const decipher = createDecipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  return Buffer.concat([decipher.update(data), decipher.final()]);
}

function sha1(...parts: Buffer[]): Buffer {
  const hasher = createHash('sha1');
  for (const part of parts) hasher.update(part);
  return hasher.digest();
}
