/** A larger document would hold up the small ones beside it, in bytes. */
export const smallDocumentBytes = 262_144;

const quickMediaTypes: readonly string[] = [
  'text/plain',
  'text/markdown',
  'text/x-source',
  'text/csv',
  'text/tab-separated-values',
  'application/json',
  'application/x-ndjson',
  'application/x-ipynb+json',
  'application/xml',
];

/**
 * Whether a document has at most `largest` bytes and is of a type whose parser takes milliseconds for so many; others may
 * take seconds, or a library's fault.
 */
export function isSmallDocument(
  document: { mimeType: string; byteSize: number },
  largest: number = smallDocumentBytes,
): boolean {
  return document.byteSize <= largest && quickMediaTypes.includes(document.mimeType);
}
