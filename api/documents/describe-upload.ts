import type { DocumentType } from '../../contracts/names/document-types.ts';

const headings: Partial<Record<DocumentType, RegExp>> = {
  markdown: /^#{1,2} +(.+?)[ #]*$/m,
  html: /<(title|h1)[^>]*>([^<]+)</i,
};
/** A title stands near the beginning; the rest of a large document is not looked at. */
const lookedAt = 16_384;

// In another encoding, or with references to characters: its parser reads it.
const unread = /\uFFFD|&#?\w+;/;

/** The document's own title (first heading or title element), else the last part of its path, else `Untitled`. */
export function guessTitle(bytes: Buffer, type: DocumentType, path: string | undefined): string {
  const heading = headings[type]?.exec(bytes.subarray(0, lookedAt).toString('utf8'))?.at(-1)?.trim();
  const found = heading === undefined || unread.test(heading) ? '' : heading;
  return (found || path?.split(/[\\/]/).findLast((part) => part !== '') || 'Untitled').slice(0, 500);
}
