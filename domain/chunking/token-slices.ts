import { isPlainSpace } from './tokenized-text.ts';

/**
 * Cuts a text into slices of about `characters` at white space, for tokenizing piece by piece: a tokenizer that splits
 * at white space finds the same tokens as in the whole. A run without white space stays in one slice up to four times
 * that size.
 */
export function* tokenSlices(text: string, characters: number): Generator<{ start: number; end: number }> {
  let start = 0;
  while (start < text.length) {
    const wanted = start + characters;
    const furthest = start + 4 * characters;
    let end = wanted;
    while (end < text.length && end < furthest && !isPlainSpace(text.charCodeAt(end))) end += 1;
    const low = text.charCodeAt(end);
    if (low >= 0xdc00 && low <= 0xdfff) end += 1;
    end = Math.min(end, text.length);
    yield { start, end };
    start = end;
  }
}
