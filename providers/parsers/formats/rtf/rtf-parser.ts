import { PerdureError } from '../../../../contracts/errors.ts';
import type { BytesParser } from '../../document-parser.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import { RtfReader } from './rtf-reader.ts';
import { rtfTokens } from './rtf-tokens.ts';

/**
 * Rich Text Format (specification 1.9.1): paragraphs, headings by style or outline level, list items, tables, and
 * footnotes in brackets where they are mentioned, headers and footers once at the end; in every code page that its fonts name. Pictures are left out.
 */
export const rtfParser: BytesParser = {
  reads: 'bytes',
  parse(bytes, { mimeType, limits }) {
    const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (!/^\s*\{\s*\\rtf/.test(source)) {
      throw new PerdureError('document_corrupt', 'The file does not begin as RTF does, with {\\rtf.');
    }
    const writer = new MarkdownWriter(limits.outputCharacters);
    const reader = new RtfReader(writer);
    reader.read(rtfTokens(source));
    const pictures = source.split('\\pict').length - 1;
    return {
      text: writer.text(),
      format: 'markdown',
      mimeType,
      title: reader.title.trim() || null,
      language: null,
      pages: [],
      boundaries: null,
      warnings: pictures === 0 ? [] : [{ code: 'skipped_image', detail: `Pictures are not read: ${pictures}.` }],
    };
  },
};
