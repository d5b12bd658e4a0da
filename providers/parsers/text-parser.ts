import type { TextParser } from './document-parser.ts';

const facts = { title: null, language: null, pages: [], boundaries: null, warnings: [] };

/** Plain text as it is. */
export const textParser: TextParser = {
  reads: 'text',
  parse: (text, { mimeType }) => ({ text, format: 'text', mimeType, ...facts }),
};
