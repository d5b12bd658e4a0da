import { PerdureError } from '../../contracts/errors.ts';
import type { DocumentParser } from './document-parser.ts';
import { htmlParser } from './html-parser.ts';
import { markdownParser } from './markdown-parser.ts';
import { codeParser, textParser } from './text-parser.ts';

const parsers: readonly DocumentParser[] = [textParser, markdownParser, htmlParser, codeParser];

/**
 * Finds the parser of a media type.
 * @throws PerdureError `unsupported_media_type` if there is none.
 */
export function findParser(mimeType: string): DocumentParser {
  const parser = parsers.find((candidate) => candidate.mimeTypes.includes(mimeType));
  if (parser) return parser;
  const known = parsers.flatMap((candidate) => candidate.mimeTypes).join(', ');
  throw new PerdureError(
    'unsupported_media_type',
    `Documents of type ${mimeType} cannot be read; these can: ${known}.`,
  );
}
