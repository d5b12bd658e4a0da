import type { DocumentParser } from './document-parser.ts';

/** Markdown as it is: a citation shows what the author wrote, and offsets point into the original. */
export const markdownParser: DocumentParser = {
  mimeTypes: ['text/markdown'],
  parse: (text) => ({ text, format: 'markdown', warnings: [] }),
};
