import type { TextParser } from './document-parser.ts';

/** Markdown as it is: a citation shows what the author wrote, and offsets point into the original. */
export const markdownParser: TextParser = {
  reads: 'text',
  parse: (text, { mimeType }) => ({
    text,
    format: 'markdown',
    mimeType,
    title: /^#{1,2} +(.+?)[ #]*$/m.exec(text.slice(0, 16_384))?.[1] ?? null,
    language: null,
    pages: [],
    boundaries: null,
    warnings: [],
  }),
};
