import type { TextParser } from './document-parser.ts';

const facts = { title: null, language: null, pages: [], boundaries: null, warnings: [] };

/** Plain text as it is; lines that end with a carriage return alone, as on old machines, end with a line feed. */
export const textParser: TextParser = {
  reads: 'text',
  parse: (text, { mimeType }) => ({ text: text.replaceAll(/\r(?!\n)/g, '\n'), format: 'text', mimeType, ...facts }),
};
