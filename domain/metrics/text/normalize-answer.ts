import { asciiOnly } from './word-tokens.ts';

// Python's string.punctuation and Unicode's category P, as MLQA's evaluation takes them; the rest of ASCII's is category S.
const punctuation = /[\p{P}$+<=>^`|~]/gu;
const articles = /\b(?:a|an|the)\b/g;

/**
 * An answer as SQuAD's official evaluation compares it (Rajpurkar et al., "SQuAD", 2016, evaluate-v2.0.py): lower case,
 * without punctuation and English articles, one space for any white space. Beyond ASCII all punctuation is left out, as
 * MLQA's evaluation does (Lewis et al. 2020).
 */
export function normalizeAnswer(text: string): string {
  const bare = text.toLowerCase().replace(punctuation, '');
  // \b knows ASCII letters only: an article next to an accented letter would be cut out of its word.
  const without = asciiOnly(bare)
    ? bare.replace(articles, ' ')
    : bare.replace(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' ');
  return without.split(/\s+/).filter(Boolean).join(' ');
}
