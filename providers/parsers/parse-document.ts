import { PerdureError } from '../../contracts/errors.ts';
import { decodeText } from '../../domain/documents/decode-text.ts';
import type { ParsedDocument, ParseInput } from './document-parser.ts';
import { findParser } from './find-parser.ts';

/**
 * Reads a document with the parser of its type.
 * @throws PerdureError saying why it cannot be read.
 */
export async function parseDocument(bytes: Uint8Array, input: ParseInput): Promise<ParsedDocument> {
  const parser = await findParser(input.mimeType);
  if (parser.reads === 'bytes') return parser.parse(bytes, input);
  if (parser.reads === 'wrapping') return parseDocument(await parser.unwrap(bytes, input), input);
  const decoded = decodeText(bytes);
  if (!decoded.ok) throw new PerdureError(decoded.code, decoded.detail);
  return parser.parse(decoded.text, input);
}
