import { inflateRawSync } from 'node:zlib';
import { PerdureError } from '../../../../contracts/errors.ts';
import type { ParseLimits } from '../../document-parser.ts';

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const memberSignature = 0x02014b50;
const localSignature = 0x04034b50;
const endLength = 22;
const longestComment = 65_535;
const in64Bits = 0xffffffff;
// Sheets of repeated cells reach a hundredfold; beyond this it is a bomb, which would take all memory before its end.
const mostExpansion = 200;
const harmlessBytes = 64 * 1024 ** 2;

interface Member {
  readonly name: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly compressedSize: number;
  /** As the directory says, which may be wrong; 2³² - 1 where it stands in the extra field. */
  readonly statedSize: number;
  readonly offset: number;
}

/**
 * The members of a ZIP archive (APPNOTE 6.3), found by name without regard to case. What a member unpacks to is counted
 * as it is unpacked, because sizes in headers can lie; all of it may be `unpackedBytes`, and 200 times the archive at most
 * where that is more than 64 MB.
 */
export class ZipArchive {
  private readonly bytes: Buffer;
  private readonly members = new Map<string, Member>();
  private bytesLeft: number;

  /** @throws PerdureError `document_corrupt` if there is no readable directory, `parser_output_too_large` if it is too long. */
  constructor(bytes: Uint8Array, limits: Pick<ParseLimits, 'unpackedBytes' | 'archiveMembers'>) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.bytesLeft = Math.min(limits.unpackedBytes, Math.max(harmlessBytes, bytes.byteLength * mostExpansion));
    for (const member of this.directory(limits.archiveMembers)) {
      const key = memberKey(member.name);
      if (!this.members.has(key)) this.members.set(key, member);
    }
  }

  names(): string[] {
    return [...this.members.values()].map((member) => member.name);
  }

  /**
   * The member's bytes; null if there is none of that name.
   * @throws PerdureError `document_corrupt` if it cannot be unpacked, `parser_output_too_large` if the archive unpacks to
   * more than allowed.
   */
  read(name: string): Uint8Array | null {
    const member = this.members.get(memberKey(name));
    if (member === undefined) return null;
    if (member.statedSize !== in64Bits && member.statedSize > this.bytesLeft) throw tooLarge();
    const packed = this.packedBytes(member);
    const unpacked = this.unpack(member, packed);
    this.bytesLeft -= unpacked.byteLength;
    if (this.bytesLeft < 0) throw tooLarge();
    return unpacked;
  }

  private unpack(member: Member, packed: Buffer): Uint8Array {
    if (member.encrypted) {
      throw new PerdureError('document_encrypted', `The part ${member.name} is encrypted by the archive itself.`);
    }
    if (member.method === 0) return packed;
    if (member.method !== 8) {
      throw corrupt(`the part ${member.name} is packed by method ${member.method}, which is not in use`);
    }
    try {
      return inflateRawSync(packed, { maxOutputLength: Math.max(this.bytesLeft, 1) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
      throw corrupt(`the part ${member.name} cannot be unpacked`);
    }
  }

  private packedBytes(member: Member): Buffer {
    const { bytes } = this;
    if (member.offset + 30 > bytes.length || bytes.readUInt32LE(member.offset) !== localSignature) {
      throw corrupt(`the part ${member.name} is not where the directory says`);
    }
    const start = member.offset + 30 + bytes.readUInt16LE(member.offset + 26) + bytes.readUInt16LE(member.offset + 28);
    if (start + member.compressedSize > bytes.length) throw corrupt(`the part ${member.name} is cut off`);
    return bytes.subarray(start, start + member.compressedSize);
  }

  private *directory(mostMembers: number): Generator<Member> {
    const { bytes } = this;
    let { position, count } = this.directoryStart();
    if (count > mostMembers) throw tooLarge();
    for (; count > 0; count -= 1) {
      if (position + 46 > bytes.length || bytes.readUInt32LE(position) !== memberSignature) {
        throw corrupt('its directory is damaged');
      }
      const nameLength = bytes.readUInt16LE(position + 28);
      const extraLength = bytes.readUInt16LE(position + 30);
      const name = bytes.toString('utf8', position + 46, position + 46 + nameLength);
      const extra = bytes.subarray(position + 46 + nameLength, position + 46 + nameLength + extraLength);
      yield {
        name,
        method: bytes.readUInt16LE(position + 10),
        encrypted: (bytes.readUInt16LE(position + 8) & 1) === 1,
        statedSize: bytes.readUInt32LE(position + 24),
        ...place(
          bytes.readUInt32LE(position + 20),
          bytes.readUInt32LE(position + 42),
          bytes.readUInt32LE(position + 24),
          extra,
        ),
      };
      position += 46 + nameLength + extraLength + bytes.readUInt16LE(position + 32);
    }
  }

  private directoryStart(): { position: number; count: number } {
    const { bytes } = this;
    const last = bytes.length - endLength;
    for (let at = last; at >= Math.max(0, last - longestComment); at -= 1) {
      if (bytes.readUInt32LE(at) !== endSignature) continue;
      const count = bytes.readUInt16LE(at + 10);
      const position = bytes.readUInt32LE(at + 16);
      if (count === 0xffff || position === in64Bits) return this.directoryStart64(at) ?? { position, count };
      return { position, count };
    }
    throw corrupt('the directory at its end is missing: the file is cut off, or no ZIP archive');
  }

  private directoryStart64(end: number): { position: number; count: number } | null {
    const { bytes } = this;
    const locator = end - 20;
    if (locator < 0) return null;
    const at = Number(bytes.readBigUInt64LE(locator + 8));
    if (at + 56 > bytes.length || bytes.readUInt32LE(at) !== end64Signature) return null;
    return { count: Number(bytes.readBigUInt64LE(at + 32)), position: Number(bytes.readBigUInt64LE(at + 48)) };
  }
}

/** Sizes that do not fit 32 bits are in an extra field, those that do fit are not. */
function place(compressedSize: number, offset: number, size: number, extra: Buffer) {
  if (compressedSize !== in64Bits && offset !== in64Bits) return { compressedSize, offset };
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let field = at + 4 + (size === in64Bits ? 8 : 0);
    const next = (): number => {
      if (field + 8 > extra.length) throw corrupt('its directory is damaged');
      field += 8;
      return Number(extra.readBigUInt64LE(field - 8));
    };
    const longSize = compressedSize === in64Bits ? next() : compressedSize;
    return { compressedSize: longSize, offset: offset === in64Bits ? next() : offset };
  }
  throw corrupt('its directory is damaged');
}

// Some writers separate folders with a backslash, or begin names with a slash.
function memberKey(name: string): string {
  return name.replaceAll('\\', '/').replace(/^\/+/, '').toLowerCase();
}

function corrupt(what: string): PerdureError {
  return new PerdureError('document_corrupt', `The archive that the document is cannot be read: ${what}.`);
}

function tooLarge(): PerdureError {
  return new PerdureError(
    'parser_output_too_large',
    'The document unpacks to more bytes or parts than allowed, or to 200 times its size. Split it, or save it anew.',
  );
}
