/** A piece of an RTF file: a group's begin or end, a control word with its number, a byte, or plain characters. */
export type RtfToken =
  | { readonly kind: 'open' }
  | { readonly kind: 'close' }
  | { readonly kind: 'word'; readonly word: string; readonly number: number | null }
  | { readonly kind: 'byte'; readonly byte: number }
  | { readonly kind: 'text'; readonly text: string };

const controlWord = /\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\/iy;

/** Splits RTF (specification 1.9.1) into its tokens. Characters are bytes of a code page, so `source` is read as Latin-1. */
export function* rtfTokens(source: string): Generator<RtfToken> {
  controlWord.lastIndex = 0;
  let position = 0;
  while (position < source.length) {
    controlWord.lastIndex = position;
    const match = controlWord.exec(source);
    if (match === null) return;
    position = controlWord.lastIndex;
    const [, word, number, hex, symbol, brace, text] = match;
    if (word !== undefined) {
      // Binary data follow as they are, braces and all.
      if (word === 'bin') position += Math.max(Number(number ?? 0), 0);
      else yield { kind: 'word', word, number: number === undefined ? null : Number(number) };
    } else if (hex !== undefined) yield { kind: 'byte', byte: Number.parseInt(hex, 16) };
    else if (symbol !== undefined) yield { kind: 'word', word: symbol, number: null };
    else if (brace !== undefined) yield brace === '{' ? { kind: 'open' } : { kind: 'close' };
    else if (text !== undefined) yield { kind: 'text', text };
  }
}
