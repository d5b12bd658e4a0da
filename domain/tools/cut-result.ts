/** A text that fits, whether some of it is missing, and the size of the whole in bytes of UTF-8. */
export type CutText = { content: string; truncated: boolean; bytes: number };

/**
 * Keeps the head of a text within `maxBytes` of UTF-8 and says at its end how much is missing. No character is split. The
 * text may itself be the beginning of `wholeBytes`; lone surrogates count as the three bytes they are sent as.
 */
export function cutResult(text: string, maxBytes: number, wholeBytes?: number): CutText {
  const bytes = Math.max(wholeBytes ?? 0, bytesOf(text));
  if (bytes <= maxBytes) return { content: text, truncated: false, bytes };
  // The note is written for the largest number that it may have to say, so that what it says always fits.
  const room = maxBytes - bytesOf(note(bytes, bytes));
  if (room <= 0) return { content: head(note(bytes, bytes), maxBytes), truncated: true, bytes };
  const kept = head(text, room);
  return { content: `${kept}${note(bytes - bytesOf(kept), bytes)}`, truncated: true, bytes };
}

function note(missing: number, bytes: number): string {
  return `\n[cut: ${missing} of ${bytes} bytes are missing]`;
}

function head(text: string, maxBytes: number): string {
  let size = 0;
  let end = 0;
  for (const character of text) {
    size += sizeOf(character);
    if (size > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function bytesOf(text: string): number {
  let size = 0;
  for (const character of text) size += sizeOf(character);
  return size;
}

function sizeOf(character: string): number {
  const point = character.codePointAt(0)!;
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}
