import { strengths } from './text-structure.ts';

const closers = new Set(['"', "'", ')', ']', '}', '”', '’', '»', '*', '_', '`', '」', '』', '）']);

/**
 * Appends the places after sentences within `text.slice(from, to)`: after `. ! ? …` (with closing quotes and brackets)
 * and white space, and after the full stops of Chinese and Japanese, which need none. A place is the first character of
 * the next sentence, so white space stays with the sentence before it.
 */
export function appendSentenceEnds(
  text: string,
  from: number,
  to: number,
  positions: number[],
  values: number[],
): void {
  let index = from;
  while (index < to) {
    const character = text.charCodeAt(index);
    index += 1;
    const wide = character === 0x3002 || character === 0xff01 || character === 0xff1f;
    if (!wide && character !== 0x2e && character !== 0x21 && character !== 0x3f && character !== 0x2026) continue;
    while (index < to && closers.has(text[index]!)) index += 1;
    const end = index;
    while (index < to && isSpace(text.charCodeAt(index))) index += 1;
    if ((wide || index > end) && index < text.length && index > (positions.at(-1) ?? -1)) {
      positions.push(index);
      values.push(strengths.sentence);
    }
  }
}

function isSpace(character: number): boolean {
  return character === 0x20 || (character >= 0x09 && character <= 0x0d) || character === 0xa0 || character === 0x3000;
}
