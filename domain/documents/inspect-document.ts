import type { ErrorCode } from '../../contracts/errors.ts';
import { decodeText } from './decode-text.ts';
import type { DocumentType } from '../../contracts/names/document-types.ts';

/** The verdict on a document's bytes; a refusal names a code of the error table and says what to do. */
export type DocumentInspection =
  | { readonly ok: true; readonly mimeType: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

const mimeTypes: Partial<Record<DocumentType, string>> = {
  text: 'text/plain',
  markdown: 'text/markdown',
  html: 'text/html',
  code: 'text/x-source',
  pdf: 'application/pdf',
};

// First bytes that no text begins with; most of them would pass as UTF-8 for a while.
const signatures: readonly { readonly format: string; readonly bytes: readonly number[] }[] = [
  { format: 'PDF', bytes: [0x25, 0x50, 0x44, 0x46, 0x2d] },
  { format: 'ZIP (or a format built on it, such as DOCX)', bytes: [0x50, 0x4b, 0x03, 0x04] },
  { format: 'PNG', bytes: [0x89, 0x50, 0x4e, 0x47] },
  { format: 'JPEG', bytes: [0xff, 0xd8, 0xff] },
  { format: 'GIF', bytes: [0x47, 0x49, 0x46, 0x38] },
  { format: 'gzip', bytes: [0x1f, 0x8b] },
  { format: '7-Zip', bytes: [0x37, 0x7a, 0xbc, 0xaf] },
  { format: 'ELF', bytes: [0x7f, 0x45, 0x4c, 0x46] },
  { format: 'Microsoft Office (before 2007)', bytes: [0xd0, 0xcf, 0x11, 0xe0] },
  {
    format: 'SQLite',
    bytes: [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66, 0x6f, 0x72, 0x6d, 0x61, 0x74, 0x20, 0x33],
  },
];

// White space, and characters that have no width: a text of these alone says nothing.
const visible = /[^\s\u00AD\u200B-\u200F\u2060\uFEFF]/u;

/** Checks that bytes are what `type` claims, are text and say something. Nothing is stored before this has said ok. */
export function inspectDocument(bytes: Uint8Array, type: DocumentType): DocumentInspection {
  if (bytes.length === 0) return refuse('document_empty', 'The document has 0 bytes. Send its content.');
  const format = signatures.find((signature) => signature.bytes.every((byte, index) => bytes[index] === byte))?.format;
  if (type === 'pdf') {
    return format === 'PDF'
      ? refuse('unsupported_media_type', 'PDF documents cannot be read yet. Send the text, as text, Markdown or HTML.')
      : refuse('document_type_mismatch', 'The document is said to be a PDF, but does not begin like one.');
  }
  if (format) {
    return refuse(
      'document_type_mismatch',
      `The document is said to be ${type}, but begins like ${format}. Extract its text and send that.`,
    );
  }
  const decoded = decodeText(bytes);
  if (!decoded.ok) return decoded;
  if (!visible.test(decoded.text)) {
    return refuse('document_empty', 'The document holds nothing but white space. Send its content.');
  }
  if (type === 'html' && !/<[a-z!/?]/iu.test(decoded.text)) {
    return refuse('document_type_mismatch', 'The document is said to be HTML, but has no tag. Send it as text.');
  }
  return { ok: true, mimeType: mimeTypes[type] ?? 'text/plain' };
}

function refuse(code: ErrorCode, detail: string): DocumentInspection {
  return { ok: false, code, detail };
}
