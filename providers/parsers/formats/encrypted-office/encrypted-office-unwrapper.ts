import CFB from 'cfb';
import { PerdureError } from '../../../../contracts/errors.ts';
import type { Unwrapper } from '../../document-parser.ts';
import { agileCipher } from './agile-cipher.ts';
import type { OfficeCipher } from './office-cipher.ts';
import { standardCipher } from './standard-cipher.ts';

// Excel encrypts workbooks that are only write-protected with this one, and opens them without asking ([MS-OFFCRYPTO] 2.4.2.3).
const passwordOfProtectedWorkbooks = 'VelvetSweatshop';

/** Opens documents that Office encrypted with a password ([MS-OFFCRYPTO], agile and standard encryption). */
export const encryptedOfficeUnwrapper: Unwrapper = {
  reads: 'wrapping',
  unwrap(bytes, { password }) {
    const container = readContainer(bytes);
    const info = streamOf(container, 'EncryptionInfo');
    const content = streamOf(container, 'EncryptedPackage');
    if (info === null || info.length < 8 || content === null || content.length < 8) {
      throw new PerdureError(
        'document_encrypted',
        'The document is protected by rights management or a method without password, and cannot be opened. Send a copy without protection.',
      );
    }
    const cipher = findCipher(info, password ?? passwordOfProtectedWorkbooks);
    if (cipher === null) {
      throw new PerdureError(
        'document_encrypted',
        password === null
          ? 'The document is encrypted, and no password was sent with it.'
          : 'The document is encrypted, and the password that was sent with it is wrong.',
      );
    }
    const size = Number(content.readBigUInt64LE(0));
    const opened = cipher.decrypt(content);
    if (size > opened.length) throw new PerdureError('document_corrupt', 'The encrypted document is cut off.');
    return opened.subarray(0, size);
  },
};

function findCipher(info: Buffer, password: string): OfficeCipher | null {
  const [major, minor] = [info.readUInt16LE(0), info.readUInt16LE(2)];
  if (major === 4 && minor === 4) return agileCipher(info.subarray(8), password);
  if (minor === 2) return standardCipher(info.subarray(4), password);
  throw new PerdureError(
    'document_encrypted',
    `The document is encrypted by a method (${major}.${minor}) that cannot be opened. Send a copy without encryption.`,
  );
}

function readContainer(bytes: Uint8Array): CFB.CFB$Container {
  try {
    return CFB.read(Buffer.from(bytes), { type: 'buffer' });
  } catch {
    throw new PerdureError('document_corrupt', 'The container of the encrypted document (OLE) cannot be read.');
  }
}

function streamOf(container: CFB.CFB$Container, name: string): Buffer | null {
  const content = CFB.find(container, name)?.content;
  return content === undefined ? null : Buffer.from(content);
}
