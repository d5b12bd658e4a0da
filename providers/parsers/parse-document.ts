import { PerdureError } from '../../contracts/errors.ts';
import type { DocumentWarning } from '../../contracts/names/document-warnings.ts';
import { suspectGarbled } from '../../domain/documents/suspect-garbled.ts';
import { detectDocument } from './detection/detect-document.ts';
import type { ParsedDocument, ParseRequest } from './document-parser.ts';
import { declaredCharset } from './encoding/declared-charset.ts';
import { decodeBytes } from './encoding/decode-bytes.ts';
import type { findParser } from './find-parser.ts';

// An encrypted file holds a file; one within it within it is a trap.
const mostWrappings = 2;
const mostWarnings = 50;
const longestDetail = 1000;
const visible = /[^\s\u00AD\u200B-\u200F\u2060\uFEFF]/u;
const dataFormats: readonly string[] = [
  'text/x-source',
  'text/csv',
  'text/tab-separated-values',
  'application/json',
  'application/x-ndjson',
  'application/xml',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
];

/**
 * Reads a document with the parser of the type that its bytes are found to be. The text is such as can be stored, and
 * not empty.
 * @throws PerdureError saying why it cannot be read.
 */
export async function parseDocument(
  bytes: Uint8Array,
  input: ParseRequest,
  find: typeof findParser,
): Promise<ParsedDocument> {
  return finish(await parse(bytes, input, find, mostWrappings), input);
}

async function parse(
  bytes: Uint8Array,
  input: ParseRequest,
  find: typeof findParser,
  wrappings: number,
): Promise<ParsedDocument> {
  const { claimed, ...rest } = input;
  const detected = await detectDocument(bytes, claimed);
  const found = { ...rest, mimeType: detected.mimeType };
  const parser = await find(detected.mimeType);
  if (parser.reads === 'wrapping') {
    if (wrappings === 0)
      throw new PerdureError('document_corrupt', 'The document is wrapped in itself again and again.');
    return parse(await parser.unwrap(bytes, found), input, find, wrappings - 1);
  }
  if (parser.reads === 'bytes') return withWarnings(await parser.parse(bytes, found), detected.warnings);
  const { text, warnings } = decodeBytes(bytes, declaredCharset(bytes, detected.mimeType) ?? input.charset);
  return withWarnings(await parser.parse(text, found), [...detected.warnings, ...warnings]);
}

function withWarnings(document: ParsedDocument, warnings: readonly DocumentWarning[]): ParsedDocument {
  return { ...document, warnings: [...warnings, ...document.warnings] };
}

/** NUL characters and halves of surrogate pairs, which PostgreSQL refuses, become U+FFFD: no offset moves. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

function finish(document: ParsedDocument, { limits }: ParseRequest): ParsedDocument {
  if (document.text.length > limits.outputCharacters) {
    throw new PerdureError(
      'parser_output_too_large',
      `The document has ${document.text.length} characters; ${limits.outputCharacters} is the most.`,
    );
  }
  const text = storable(document.text);
  if (!visible.test(text)) {
    throw new PerdureError('document_empty', 'No text was found in the document.');
  }
  const kind = document.format === 'code' || dataFormats.includes(document.mimeType) ? 'data' : 'prose';
  const known = document.warnings.some(({ code }) => code === 'suspected_garbled');
  const suspicion = known ? null : suspectGarbled(text, kind);
  const garbled: DocumentWarning[] = suspicion === null ? [] : [{ code: 'suspected_garbled', detail: suspicion }];
  const warnings = [...garbled, ...document.warnings].slice(0, mostWarnings).map(({ code, detail }) => ({
    code,
    detail: storable(detail).slice(0, longestDetail),
  }));
  const title = document.title === null ? null : storable(document.title).trim().slice(0, 500) || null;
  return { ...document, text, title, warnings };
}
