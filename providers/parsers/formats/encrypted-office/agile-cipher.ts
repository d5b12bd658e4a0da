import { createDecipheriv, createHash, getHashes, timingSafeEqual } from 'node:crypto';
import { PerdureError } from '../../../../contracts/errors.ts';
import { childOf, descendantsOf, parseXml } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import type { OfficeCipher } from './office-cipher.ts';

const segmentLength = 4_096;

// The most that the specification allows; each is a hash.
const mostSpins = 10_000_000;

// [MS-OFFCRYPTO] 2.3.4.11 and 2.3.4.13: what tells the keys of a password apart.
const blockKeys = {
  verifierInput: Buffer.from('fea7d2763b4b9e79', 'hex'),
  verifierHash: Buffer.from('d7aa0f6d3061344e', 'hex'),
  packageKey: Buffer.from('146e0be7abacd0d6', 'hex'),
};

interface CipherSettings {
  readonly hash: string;
  readonly keyLength: number;
  readonly blockSize: number;
  readonly salt: Buffer;
}

/** The cipher of agile encryption ([MS-OFFCRYPTO] 2.3.4.10), described by XML; null if the password is wrong. */
export function agileCipher(description: Buffer, password: string): OfficeCipher | null {
  const root = parseXml(description);
  const keyData = childOf(root, 'enc:keyData');
  const encryptedKey = [...descendantsOf(root, 'encp:encryptedKey')][0];
  if (keyData === undefined || encryptedKey === undefined) {
    throw new PerdureError('document_encrypted', 'The document is encrypted for a certificate, not with a password.');
  }
  const settings = settingsOf(encryptedKey);
  const spun = spin(settings, password, Number(encryptedKey.attributes['spinCount']));
  const open = (blockKey: Buffer, attribute: string): Buffer => {
    const key = fit(digest(settings.hash, spun, blockKey), settings.keyLength);
    return decryptBlocks(settings, key, settings.salt, bytesOf(encryptedKey, attribute));
  };
  const expected = digest(settings.hash, open(blockKeys.verifierInput, 'encryptedVerifierHashInput'));
  const found = open(blockKeys.verifierHash, 'encryptedVerifierHashValue').subarray(0, expected.length);
  if (found.length !== expected.length || !timingSafeEqual(found, expected)) return null;
  const packageKey = open(blockKeys.packageKey, 'encryptedKeyValue').subarray(0, settings.keyLength);
  return packageCipher(settingsOf(keyData), packageKey);
}

function packageCipher(settings: CipherSettings, key: Buffer): OfficeCipher {
  return {
    decrypt(encryptedPackage) {
      const content = encryptedPackage.subarray(8);
      const segments: Buffer[] = [];
      for (let start = 0; start < content.length; start += segmentLength) {
        const initial = digest(settings.hash, settings.salt, littleEndian(start / segmentLength));
        const segment = content.subarray(start, start + segmentLength);
        const whole = segment.subarray(0, segment.length - (segment.length % settings.blockSize));
        segments.push(decryptBlocks(settings, key, initial, whole));
      }
      return Buffer.concat(segments);
    },
  };
}

function spin(settings: CipherSettings, password: string, count: number): Buffer {
  if (!(count >= 0 && count <= mostSpins)) throw damaged('the number of its hashes is out of range');
  let hash = digest(settings.hash, settings.salt, Buffer.from(password, 'utf16le'));
  for (let turn = 0; turn < count; turn += 1) hash = digest(settings.hash, littleEndian(turn), hash);
  return hash;
}

function settingsOf({ attributes }: XmlElement): CipherSettings {
  const hash = (attributes['hashAlgorithm'] ?? '').replace('-', '').toLowerCase();
  const keyLength = Number(attributes['keyBits']) / 8;
  if (!getHashes().includes(hash) || attributes['cipherAlgorithm'] !== 'AES' || ![16, 24, 32].includes(keyLength)) {
    throw damaged(`its cipher (${attributes['cipherAlgorithm']}, ${attributes['hashAlgorithm']}) is not known`);
  }
  if (attributes['cipherChaining'] !== 'ChainingModeCBC') throw damaged('its chaining mode is not CBC');
  return { hash, keyLength, blockSize: 16, salt: Buffer.from(attributes['saltValue'] ?? '', 'base64') };
}

function decryptBlocks({ keyLength, blockSize }: CipherSettings, key: Buffer, initial: Buffer, data: Buffer): Buffer {
  const decipher = createDecipheriv(`aes-${keyLength * 8}-cbc`, key, fit(initial, blockSize)).setAutoPadding(false);
  try {
    return Buffer.concat([decipher.update(data), decipher.final()]);
  } catch {
    throw damaged('a part of it is cut off');
  }
}

function bytesOf({ attributes }: XmlElement, name: string): Buffer {
  return Buffer.from(attributes[name] ?? '', 'base64');
}

function digest(hash: string, ...parts: Buffer[]): Buffer {
  const hasher = createHash(hash);
  for (const part of parts) hasher.update(part);
  return hasher.digest();
}

/** Cut, or filled up with the byte that the specification names. */
function fit(bytes: Buffer, length: number): Buffer {
  return bytes.length >= length
    ? bytes.subarray(0, length)
    : Buffer.concat([bytes, Buffer.alloc(length - bytes.length, 0x36)]);
}

function littleEndian(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

function damaged(what: string): PerdureError {
  return new PerdureError('document_corrupt', `The description of the document's encryption is damaged: ${what}.`);
}
