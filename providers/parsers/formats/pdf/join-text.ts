// Scripts that set no space between words; a line's end stands for none.
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\u3000-\u303f\uff00-\uffef]/u;

/** Whether a space belongs between two pieces of text that do not touch. */
export function needsSpace(before: string, after: string): boolean {
  if (before === '' || after === '' || /\s$/.test(before) || /^\s/.test(after)) return false;
  const last = /.$/u.exec(before)?.[0] ?? '';
  const first = /^./u.exec(after)?.[0] ?? '';
  return !(unspaced.test(last) && unspaced.test(first));
}

/**
 * Joins a line to the text before it. A word divided at the end of a line is mended, unless the document has it with its
 * hyphen elsewhere.
 * @param words the words of the document in lower case, those with hyphens included.
 */
export function joinLine(before: string, line: string, words: ReadonlySet<string>): string {
  const text = before.trimEnd();
  if (text.endsWith('\u00ad')) return text.slice(0, -1) + line;
  const head = /([\p{L}\p{M}]+)[-\u2010]$/u.exec(text)?.[1];
  const tail = /^\p{Ll}[\p{L}\p{M}]*/u.exec(line)?.[0];
  if (head === undefined || tail === undefined) {
    return `${text}${needsSpace(text, line) ? ' ' : ''}${line}`;
  }
  const whole = `${head}${tail}`.toLowerCase();
  const hyphened = `${head}-${tail}`.toLowerCase();
  return words.has(hyphened) && !words.has(whole) ? text + line : text.slice(0, -1) + line;
}

/** The words of a text in lower case; a word that ends its line with a hyphen is none. */
export function addWords(text: string, words: Set<string>): void {
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{M}]+(?:[-\u2010][\p{L}\p{M}]+)*/gu)) {
    words.add(word.replaceAll('\u2010', '-'));
  }
}
