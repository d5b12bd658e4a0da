import type { DocumentParser } from './document-parser.ts';

/** Markdown as it is: a citation shows what the author wrote, and offsets point into the original. */
export const markdownParser: DocumentParser = {
  mimeTypes: ['text/markdown'],
  // oxlint-disable-next-line require-yield -- there is nothing to do, so nothing to interrupt
  *parse(text) {
    return { text, format: 'markdown', warnings: [] };
  },
};
