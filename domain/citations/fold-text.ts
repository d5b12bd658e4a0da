/** A text in which white space and typography make no difference, and for each of its characters where it came from. */
export interface FoldedText {
  readonly text: string;
  /** Character i of `text` stands at [starts[i], ends[i]) of the original. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

const dashes = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/u;
const singleQuotes = /[\u2018-\u201b\u2032\u00b4]/u;
const doubleQuotes = /[\u201c-\u201f\u2033\u00ab\u00bb]/u;
// Marks of Markdown, accents that follow their letter, and what has no width.
const dropped = /[*`\p{M}\u00ad\u200b-\u200d\u2060\ufeff]/u;

/**
 * Folds a text for comparison: one space for any white space, straight quotes and dashes for all kinds, letters without
 * accents and case, ligatures and wide forms taken apart (Unicode's NFKD), marks of emphasis left out.
 */
export function foldText(original: string): FoldedText {
  const characters: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const character of original) {
    const start = at;
    at += character.length;
    // By UTF-16 units, as texts are indexed.
    for (const folded of foldCharacter(character).split('')) {
      if (folded === ' ' && (characters.length === 0 || characters.at(-1) === ' ')) continue;
      characters.push(folded);
      starts.push(start);
      ends.push(at);
    }
    // An accent belongs to its letter.
    if (/\p{M}/u.test(character) && ends.at(-1) === start) ends[ends.length - 1] = at;
  }
  return { text: characters.join(''), starts, ends };
}

function foldCharacter(character: string): string {
  if (/\s/u.test(character)) return ' ';
  if (dropped.test(character)) return '';
  if (dashes.test(character)) return '-';
  if (singleQuotes.test(character)) return "'";
  if (doubleQuotes.test(character)) return '"';
  let folded = '';
  for (const part of character.normalize('NFKD').toLowerCase()) if (!dropped.test(part)) folded += part;
  return folded;
}
