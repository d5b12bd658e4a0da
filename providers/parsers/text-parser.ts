import type { DocumentParser } from './document-parser.ts';

/** Plain text as it is. */
export const textParser: DocumentParser = {
  mimeTypes: ['text/plain'],
  // oxlint-disable-next-line require-yield -- there is nothing to do, so nothing to interrupt
  *parse(text) {
    return { text, format: 'text', warnings: [] };
  },
};

/** Source code as it is; its blank lines and indentation are its structure. */
export const codeParser: DocumentParser = {
  mimeTypes: ['text/x-source'],
  // oxlint-disable-next-line require-yield -- there is nothing to do, so nothing to interrupt
  *parse(text) {
    return { text, format: 'code', warnings: [] };
  },
};
