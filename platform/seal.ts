import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** Thrown when a sealed value cannot be opened; the message says why and what to do, and holds nothing secret. */
export class SealError extends Error {}

/**
 * Seals a credential for storage by AES-256-GCM: `sealed:<key id>:<nonce>:<ciphertext and tag>`, the last two in
 * base64url. `secretKey` is PERDURE_SECRET_KEY; the key id, 8 hex digits of its SHA-256, is authenticated as well.
 */
export function seal(secretKey: string, plain: string): string {
  const { key, keyId } = readKey(secretKey);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(keyId));
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `sealed:${keyId}:${nonce.toString('base64url')}:${sealed.toString('base64url')}`;
}

/**
 * Opens what `seal` made.
 * @throws SealError when it was sealed with another key, was changed, or is no sealed value.
 */
export function open(secretKey: string, sealed: string): string {
  const [kind, sealedWith = '', nonce = '', body = ''] = sealed.split(':');
  if (kind !== 'sealed') throw new SealError('A stored credential is not sealed. Set it anew through the API.');
  const { key, keyId } = readKey(secretKey);
  if (sealedWith !== keyId)
    throw new SealError(
      `A stored credential was sealed with the key ${sealedWith}, and PERDURE_SECRET_KEY is the key ${keyId}. Start with ` +
        'the key that sealed it, or set the credential anew.',
    );
  const bytes = Buffer.from(body, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'));
    decipher.setAAD(Buffer.from(keyId));
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
  } catch {
    throw new SealError('A stored credential was changed since it was sealed. Set it anew through the API.');
  }
}

function readKey(secretKey: string): { key: Buffer; keyId: string } {
  const key = Buffer.from(secretKey, 'base64');
  if (key.length !== 32) throw new SealError('PERDURE_SECRET_KEY must be 32 bytes in base64.');
  return { key, keyId: createHash('sha256').update(key).digest('hex').slice(0, 8) };
}
