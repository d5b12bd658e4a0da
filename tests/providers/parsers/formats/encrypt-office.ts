import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import CFB from 'cfb';

const spins = 1_000;
const keys = { input: 'fea7d2763b4b9e79', hash: 'd7aa0f6d3061344e', key: '146e0be7abacd0d6' };

/** Encrypts a package as Office does since 2010 ([MS-OFFCRYPTO] 2.3.4.10: AES-256, SHA-512). */
export function encryptAgile(content: Uint8Array, password: string): Uint8Array {
  const [salt, dataSalt, key, verifier] = [16, 16, 32, 16].map((length) => randomBytes(length)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  let spun = sha512(salt, Buffer.from(password, 'utf16le'));
  for (let turn = 0; turn < spins; turn += 1) spun = sha512(int32(turn), spun);
  const seal = (blockKey: string, data: Buffer): string =>
    aes(sha512(spun, Buffer.from(blockKey, 'hex')).subarray(0, 32), salt, data).toString('base64');
  const cipher =
    'saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512"';
  const info = `<encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password">
    <keyData ${cipher} saltValue="${dataSalt.toString('base64')}"/><keyEncryptors><keyEncryptor>
    <p:encryptedKey spinCount="${spins}" ${cipher} saltValue="${salt.toString('base64')}" encryptedVerifierHashInput="${seal(keys.input, verifier)}"
    encryptedVerifierHashValue="${seal(keys.hash, sha512(verifier))}" encryptedKeyValue="${seal(keys.key, key)}"/></keyEncryptor></keyEncryptors></encryption>`;
  const segments: Buffer[] = [];
  for (let start = 0; start < content.length; start += 4_096) {
    const initial = sha512(dataSalt, int32(start / 4_096)).subarray(0, 16);
    segments.push(aes(key, initial, padded(content.subarray(start, start + 4_096))));
  }
  return container(
    Buffer.concat([Buffer.from([4, 0, 4, 0, 0x40, 0, 0, 0]), Buffer.from(info)]),
    content.length,
    segments,
  );
}

/** Encrypts a package as Office 2007 does ([MS-OFFCRYPTO] 2.3.4.5: AES-128, SHA-1). */
export function encryptStandard(content: Uint8Array, password: string): Uint8Array {
  const [salt, verifier] = [randomBytes(16), randomBytes(16)];
  let hash = sha1(salt, Buffer.from(password, 'utf16le'));
  for (let turn = 0; turn < 50_000; turn += 1) hash = sha1(int32(turn), hash);
  hash = sha1(hash, int32(0));
  const key = sha1(Buffer.alloc(64, 0x36).map((byte, index) => byte ^ (hash[index] ?? 0)) as Buffer).subarray(0, 16);
  const seal = (data: Buffer): Buffer => {
    const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  };
  const header = Buffer.alloc(34);
  header.writeUInt32LE(0x660e, 8);
  header.writeUInt32LE(0x8004, 12);
  header.writeUInt32LE(128, 16);
  const start = Buffer.from([4, 0, 2, 0, 0x24, 0, 0, 0, header.length, 0, 0, 0]);
  const proof = [int32(16), salt, seal(verifier), int32(20), seal(padded(sha1(verifier)))];
  return container(Buffer.concat([start, header, ...proof]), content.length, [seal(padded(content))]);
}

function container(info: Buffer, size: number, segments: readonly Buffer[]): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(size));
  const file = CFB.utils.cfb_new();
  CFB.utils.cfb_add(file, 'EncryptionInfo', info);
  CFB.utils.cfb_add(file, 'EncryptedPackage', Buffer.concat([length, ...segments]));
  return new Uint8Array(CFB.write(file, { type: 'buffer' }) as Buffer);
}

function padded(data: Uint8Array): Buffer {
  return Buffer.concat([data, Buffer.alloc((16 - (data.length % 16)) % 16)]);
}

function aes(key: Buffer, initial: Buffer, data: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key, initial).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

function sha512(...parts: Buffer[]): Buffer {
  return createHash('sha512').update(Buffer.concat(parts)).digest();
}

function sha1(...parts: Buffer[]): Buffer {
  return createHash('sha1').update(Buffer.concat(parts)).digest();
}

function int32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}
