/** Text of a document, or why its bytes are not text. */
export type DecodedText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly code: 'document_binary'; readonly detail: string };

const encodings = [
  { name: 'UTF-16LE', label: 'utf-16le', mark: [0xff, 0xfe] },
  { name: 'UTF-16BE', label: 'utf-16be', mark: [0xfe, 0xff] },
] as const;

/**
 * Decodes UTF-8 (with or without a byte order mark) and UTF-16 with a byte order mark; the mark is not part of the text.
 * Bytes that are neither, and NUL characters, which PostgreSQL cannot store, count as binary.
 */
export function decodeText(bytes: Uint8Array): DecodedText {
  const marked = encodings.find(({ mark }) => mark.every((byte, index) => bytes[index] === byte));
  const { name, label } = marked ?? { name: 'UTF-8', label: 'utf-8' };
  let text: string;
  try {
    text = new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    return binary(`The bytes are not valid ${name}. Send text as UTF-8, or as UTF-16 with a byte order mark.`);
  }
  const nul = text.indexOf('\0');
  if (nul >= 0) return binary(`There is a NUL character at position ${nul}. Send the text itself, not a binary file.`);
  return { ok: true, text };
}

function binary(detail: string): DecodedText {
  return { ok: false, code: 'document_binary', detail };
}
