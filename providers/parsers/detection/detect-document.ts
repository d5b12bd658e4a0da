import { fileTypeFromBuffer } from 'file-type';
import { PerdureError } from '../../../contracts/errors.ts';
import type { DocumentType } from '../../../contracts/names/document-types.ts';
import type { DocumentWarning } from '../../../contracts/names/document-warnings.ts';
import { documentTypeOf } from '../../../domain/documents/media-types.ts';
import type { MediaType } from '../../../domain/documents/media-types.ts';
import { isBinary, isMisread, isTextWithNuls, readUnmarkedUtf16, refuseBinary } from '../encoding/binary-bytes.ts';
import { decodeSevenBit } from '../encoding/decode-seven-bit.ts';
import { decodeUtf32 } from '../encoding/decode-utf32.ts';
import { detectUnicode } from '../encoding/detect-unicode.ts';
import { sniffContainer } from './sniff-container.ts';
import { sniffText } from './sniff-text.ts';

/** What bytes were found to be; a `type_mismatch` warning says so where that is not what was claimed. */
export interface DetectedDocument {
  readonly mimeType: MediaType;
  readonly documentType: DocumentType | null;
  readonly warnings: readonly DocumentWarning[];
}

const headBytes = 16_384;
const visible = /[^\s\u00AD\u200B-\u200F\u2060\uFEFF]/u;
// Claims that a text which says itself what it is does not contradict: templates, and Markdown that begins with tags.
const tolerated: Partial<Record<MediaType, readonly MediaType[]>> = {
  'text/x-source': ['text/html', 'application/xml', 'application/json', 'text/x-source'],
  'application/json': ['application/x-ndjson'],
  'application/xml': ['text/html'],
};

/**
 * Finds a document's type from its bytes; what is claimed decides only between kinds of text that the bytes leave open.
 * Looks at the begin and at directories, so it costs little.
 * @throws PerdureError saying what the bytes are if they cannot be read: `document_empty`, `document_binary`,
 * `unsupported_media_type`.
 */
export async function detectDocument(bytes: Uint8Array, claimed: MediaType | null): Promise<DetectedDocument> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length === 0) throw new PerdureError('document_empty', 'The document has 0 bytes. Send its content.');
  const container = sniffContainer(buffer, claimed);
  if (container) return found(container, claimed);
  const head = readHead(buffer);
  // NUL bytes stand in some text, and in all archives.
  const isInDoubt = head === null || head.includes('\0');
  const known = isInDoubt ? await fileTypeFromBuffer(buffer).catch(() => undefined) : undefined;
  if (head === null || known) throw refusal(buffer, known);
  if (!visible.test(head) && buffer.length <= headBytes) {
    throw new PerdureError('document_empty', 'The document holds nothing but white space. Send its content.');
  }
  const tail = buffer.toString('latin1', Math.max(0, buffer.length - 1024)).replaceAll('\0', '');
  const sniffed = sniffText(head, tail);
  if (sniffed?.certain) {
    const kept = claimed !== null && tolerated[claimed]?.includes(sniffed.mimeType) ? claimed : sniffed.mimeType;
    // An XHTML page is XML, too, and a page of XML that is none stays what it is.
    return found(kept === 'application/xml' && sniffed.mimeType === 'text/html' ? 'text/html' : kept, claimed);
  }
  if (claimed !== null && canBe(claimed, head)) return found(claimed, claimed);
  return found(sniffed?.mimeType ?? 'text/plain', claimed);
}

/** The begin as text of which ASCII is right; null if it is none. */
function readHead(buffer: Buffer): string | null {
  const unicode = detectUnicode(buffer);
  const start = buffer.subarray(unicode?.markBytes ?? 0, headBytes);
  if (unicode?.charset.startsWith('utf-32')) return decodeUtf32(start, unicode.charset === 'utf-32le');
  if (unicode?.charset.startsWith('utf-16')) {
    const text = new TextDecoder(unicode.charset).decode(start);
    // Without a mark, NUL bytes in every other place may also be numbers.
    return unicode.markBytes === 0 && isMisread(text) ? null : text;
  }
  if (isBinary(start) && !isTextWithNuls(start))
    return decodeSevenBit(buffer)?.text.slice(0, headBytes) ?? readUnmarkedUtf16(buffer)?.text ?? null;
  return start.toString('utf8');
}

function refusal(buffer: Buffer, known: { mime: string; ext: string } | undefined): PerdureError {
  if (!known) return refuseBinary(buffer);
  const detail = `This is a file of type ${known.mime} (${known.ext}), which cannot be read as a document.`;
  return new PerdureError('unsupported_media_type', detail);
}

/** Whether a text that does not say what it is may be what it is said to be; its parser will know. */
function canBe(claimed: MediaType, head: string): boolean {
  if (claimed === 'text/html' || claimed === 'application/xml') return /<[a-z!/?]/i.test(head);
  if (claimed === 'application/json' || claimed === 'application/x-ndjson') return /^\s*[[{"\d\-tfn]/.test(head);
  return ['text/plain', 'text/markdown', 'text/x-source', 'text/csv', 'text/tab-separated-values'].includes(claimed);
}

function found(mimeType: MediaType, claimed: MediaType | null): DetectedDocument {
  const documentType = documentTypeOf[mimeType];
  const differs = claimed !== null && documentType !== null && documentTypeOf[claimed] !== documentType;
  const detail = `The document is said to be ${claimed}, but is ${mimeType}, and was read as such.`;
  return { mimeType, documentType, warnings: differs ? [{ code: 'type_mismatch', detail }] : [] };
}
