import { readXmlEvents } from './read-xml-events.ts';

/** The texts that cells refer to by number; readings of Japanese characters are no part of them. */
export function readSharedStrings(bytes: Uint8Array): string[] {
  const strings: string[] = [];
  let current: string | null = null;
  let inText = false;
  let inReading = false;
  readXmlEvents(bytes, {
    open(name) {
      if (name === 'x:si') current = '';
      if (name === 'x:rPh') inReading = true;
      inText = name === 'x:t' && !inReading;
    },
    text(text) {
      if (inText && current !== null) current += text;
    },
    close(name) {
      if (name === 'x:t') inText = false;
      if (name === 'x:rPh') inReading = false;
      if (name !== 'x:si') return;
      strings.push(unescape(current ?? ''));
      current = null;
    },
  });
  return strings;
}

/** Characters that XML cannot hold stand in cells as `_x000D_`. */
export function unescape(text: string): string {
  return text.includes('_x')
    ? text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    : text;
}
