// Signs that a wrong decoding puts into the middle of words, and letters of ours never do.
const signs = /\p{L}[¡-©«-´¶-¹»-¿×÷\u2500-\u259F]\p{L}/u;
const control = /[\u0080-\u0084\u0086-\u009F\uFFFD\uE000-\uF8FF]/;
const word = /[\p{L}\p{M}¡-¿×÷\u0080-\u009F\u2500-\u259F\uE000-\uF8FF\uFFFD]+/gu;
const beyondAscii = /[^\0-\x7F]/;
const scripts = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Hebrew}/u,
  /\p{Script=Arabic}/u,
  /\p{Script=Thai}/u,
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u,
];
// Letters that hardly any running text has: what is left when two bytes are paired wrongly.
const rare = /[\uFF61-\uFF9F\u3400-\u4DBF]|[\p{Script=Bopomofo}\p{Script=Yi}\p{Co}]/u;

/** How many of a text's words with letters beyond ASCII look as if they were decoded wrongly. */
export type LetterVerdict = { readonly words: number; readonly odd: number };

/** Judges the first `limit` words that have a character beyond ASCII. */
export function judgeLetters(text: string, limit = 2000): LetterVerdict {
  let words = 0;
  let odd = 0;
  if (!beyondAscii.test(text)) return { words, odd };
  for (const [found] of text.matchAll(word)) {
    if (!beyondAscii.test(found)) continue;
    words += 1;
    if (isOdd(found)) odd += 1;
    if (words >= limit) break;
  }
  return { words, odd };
}

function isOdd(found: string): boolean {
  if (control.test(found) || signs.test(found) || rare.test(found)) return true;
  if (scripts.filter((script) => script.test(found)).length > 1) return true;
  // A capital after a small letter, twice, or a small letter between capitals: the cases of another table.
  return /\p{Ll}\p{Lu}.*\p{Ll}\p{Lu}|\p{Lu}\p{Ll}\p{Lu}{2}|^\p{Ll}\p{Lu}+$/u.test(found);
}
