// What joins the letters of a word unseen; a line may break at the first.
const unseen = /\u00AD|\u200D|\u2060|\uFEFF/g;
const runs = /[\p{L}\p{N}\p{M}_]+/gu;
// Scripts that put no spaces between words, and Hangul, whose words carry their particles.
const unspaced =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const hanOrHangul = /\p{sc=Han}+|\p{sc=Hangul}+/gu;
const containsHan = /\p{sc=Han}/u;
const isAscii = /^[\0-\x7f]*$/;
// ICU chooses its dictionary by the script, whatever the locale.
const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });

/** A word of a text: lower case, NFKC; `isWhole` if it has no stem: a name, or of a script without
 * spaces. */
export type Word = { text: string; isWhole: boolean };

/**
 * Splits a text into the words that full text search knows: runs of two letters or digits and more, as bm25s does
 * (`\b\w\w+\b`); single ones only where a dot or hyphen joins them (`3.2`, `U.S.`) or they are names (`C++`, `C#`).
 * Chinese, Japanese, Thai, Lao, Khmer and Burmese are cut by ICU's dictionaries; runs of Han and Hangul give their pairs of
 * characters too (as Lucene's CJKAnalyzer does), so that a query cut otherwise finds them.
 */
export function splitWords(text: string): Word[] {
  const words: Word[] = [];
  if (isAscii.test(text)) splitAscii(text.toLowerCase(), words);
  else for (const line of text.split('\n')) splitLine(line, words);
  return words;
}

/** No word goes on in the next line; few lines of most texts hold more than ASCII. */
function splitLine(line: string, words: Word[]): void {
  if (isAscii.test(line)) return splitAscii(line.toLowerCase(), words);
  const plain = recompose(line.replaceAll(unseen, '').normalize('NFKC')).toLowerCase();
  let joinedTo = 0;
  for (const match of plain.matchAll(runs)) {
    const run = match[0];
    if (match.index < joinedTo) continue;
    if (unspaced.test(run)) splitUnspaced(run, words);
    else if (run.length > 1) words.push({ text: run, isWhole: false });
    else joinedTo = addJoined(plain, match.index, words);
  }
}

/** The same for what most texts are made of, at a fraction of the time that an expression takes. */
function splitAscii(plain: string, words: Word[]): void {
  for (let start = 0; start < plain.length;) {
    let end = start;
    while (end < plain.length && isWordUnit(plain.charCodeAt(end))) end += 1;
    if (end - start > 1) words.push({ text: plain.slice(start, end), isWhole: false });
    else if (end > start) end = Math.max(end, addJoined(plain, start, words));
    start = end + (end < plain.length && isWordUnit(plain.charCodeAt(end)) ? 0 : 1);
  }
}

// a to z, 0 to 9, underscore.
const isWordUnit = (unit: number): boolean =>
  (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39) || unit === 0x5f;

/** Adds the single letters and digits that are joined from here on; returns where they end, 0 if none are. */
function addJoined(plain: string, index: number, words: Word[]): number {
  const name = joinSingles(plain, index);
  if (name.length < 2) return 0;
  words.push({ text: name, isWhole: true });
  return index + name.length;
}

// NFKC takes Thai's and Lao's vowel AM apart, without which the dictionaries do not know their words.
function recompose(text: string): string {
  return text.replaceAll('\u0e4d\u0e32', '\u0e33').replaceAll('\u0ecd\u0eb2', '\u0eb3');
}

const singles = /(?:[\p{L}\p{N}](?:[.-][\p{L}\p{N}])+|[\p{L}](?:\+\+|#))(?![\p{L}\p{N}_])/uy;

function joinSingles(text: string, index: number): string {
  singles.lastIndex = index;
  return singles.exec(text)?.[0] ?? '';
}

function splitUnspaced(run: string, words: Word[]): void {
  const add = (text: string) => words.push({ text, isWhole: true });
  for (const [characters] of run.matchAll(hanOrHangul)) {
    const parts = Array.from(characters);
    if (parts.length === 1 && containsHan.test(characters)) add(characters);
    for (let index = 0; index + 1 < parts.length; index += 1) add(parts[index]! + parts[index + 1]!);
  }
  for (const { segment, isWordLike } of segmenter.segment(run)) {
    if (!isWordLike || segment.length < 2) continue;
    if (!unspaced.test(segment)) words.push({ text: segment, isWhole: false });
    // Shorter ones are pairs that stand there already.
    else if (segment.length > 2 || !isHanOrHangul(segment)) add(segment);
  }
}

function isHanOrHangul(segment: string): boolean {
  return /^(?:\p{sc=Han}+|\p{sc=Hangul}+)$/u.test(segment);
}
