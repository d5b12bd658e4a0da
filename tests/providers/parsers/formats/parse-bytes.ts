import type { BytesParser, DocumentParser, ParsedDocument } from '../../../../providers/parsers/document-parser.ts';

/** Limits that no sample of a test reaches. */
export const wideLimits = { outputCharacters: 1_000_000, unpackedBytes: 50_000_000, archiveMembers: 1_000 };

/** Reads bytes with a parser of bytes. */
export async function parseBytes(
  parser: DocumentParser,
  bytes: Uint8Array,
  { password = null, limits = {} }: { password?: string | null; limits?: Partial<typeof wideLimits> } = {},
): Promise<ParsedDocument> {
  const input = { mimeType: 'test/sample', name: null, charset: null, password, limits: { ...wideLimits, ...limits } };
  return (parser as BytesParser).parse(bytes, input);
}
