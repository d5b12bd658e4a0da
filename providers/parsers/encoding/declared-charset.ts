const lookedAt = 4096;
// HTML's own sniffing stops after a kilobyte; pages with long heads are common.
const metaCharset = /<meta[^>]*?charset\s*=\s*["']?\s*([\w:.-]+)/i;
const xmlEncoding = /^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w:.-]+)["']/i;
// PEP 263, and Emacs and Vim alike.
const codingLine = /^(?:.*\n)?[ \t\f]*(?:#|\/\/|\/\*|--|;|").*?coding[:=][ \t]*([\w.-]+)/;

/** The charset that a document names in itself: HTML in a `meta` element, XML in its declaration, code in a comment. */
export function declaredCharset(bytes: Uint8Array, mimeType: string): string | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, lookedAt)).toString('latin1');
  const xml = xmlEncoding.exec(head)?.[1] ?? null;
  if (mimeType === 'text/html') return metaCharset.exec(head)?.[1] ?? xml;
  if (mimeType === 'text/x-source') return codingLine.exec(head)?.[1] ?? xml;
  return mimeType === 'application/xml' ? xml : null;
}
