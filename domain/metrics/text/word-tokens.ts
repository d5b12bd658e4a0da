const words = /[\p{L}\p{N}\p{M}]+/gu;
const unspaced = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]\p{M}*/u;
const parts = new RegExp(`${unspaced.source}|(?:(?!${unspaced.source})[\\p{L}\\p{N}\\p{M}])+`, 'gu');

/** Whether a text has no character beyond ASCII. */
export function asciiOnly(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

/**
 * The words of a text in lower case: runs of letters and digits, as rouge_score cuts ASCII texts. Characters of scripts
 * that put no spaces between words (Han, Kana, Thai, Lao, Khmer, Burmese) are words of their own, as MLQA's evaluation
 * takes Chinese; letters beyond ASCII, which rouge_score drops, are kept.
 */
export function wordTokens(text: string): string[] {
  return splitUnspaced(text.toLowerCase(), words);
}

/** The tokens of a normalised answer: what white space separates, characters of unspaced scripts each alone. */
export function answerTokens(normalized: string): string[] {
  return splitUnspaced(normalized, /\S+/g);
}

function splitUnspaced(text: string, runs: RegExp): string[] {
  return (text.match(runs) ?? []).flatMap((run) => (unspaced.test(run) ? (run.match(parts) ?? [run]) : [run]));
}
