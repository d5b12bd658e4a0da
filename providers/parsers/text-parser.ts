import type { DocumentParser } from './document-parser.ts';

/** Plain text as it is. */
export const textParser: DocumentParser = {
  mimeTypes: ['text/plain'],
  parse: (text) => ({ text, format: 'text', warnings: [] }),
};

/** Source code as it is; its blank lines and indentation are its structure. */
export const codeParser: DocumentParser = {
  mimeTypes: ['text/x-source'],
  parse: (text) => ({ text, format: 'code', warnings: [] }),
};
