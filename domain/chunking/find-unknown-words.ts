import { countOf } from '../../contracts/names/count-of.ts';
import type { DocumentWarning } from '../../contracts/names/document-warnings.ts';
import type { TokenSpans } from './tokenized-text.ts';

// BERT's tokenizer gives up a word that is longer; no word of a language is, where words are parted at all.
const longestWord = 100;
const wideSpace = /\s{2}/;

/** Warns of words that a tokenizer left whole because they are too long to be known: a model learns nothing of them. */
export function findUnknownWords(text: string, { starts, ends }: TokenSpans): DocumentWarning[] {
  let count = 0;
  let first = '';
  for (let token = 0; token < starts.length; token += 1) {
    if (ends[token]! - starts[token]! <= longestWord) continue;
    const word = text.slice(starts[token], ends[token]);
    if (wideSpace.test(word)) continue;
    if (count === 0) first = word.slice(0, 20).toWellFormed();
    count += 1;
  }
  if (count === 0) return [];
  const detail =
    `The embedding model learns nothing of ${countOf(count, 'word')} of more than ${longestWord} letters without a space ` +
    `(the first begins with "${first}"): search by vectors does not find what stands there. Text search does if the ` +
    'language puts no spaces between words.';
  return [{ code: 'unknown_words', detail }];
}
