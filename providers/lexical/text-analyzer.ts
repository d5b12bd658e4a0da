import { createStemmer } from 'multilingual-stemmer';
import { splitWords } from '../../domain/lexical/split-words.ts';
import type { TextAnalyzer } from '../text-analyzer.ts';
import { detectLanguage } from './detect-language.ts';
import { stopWords } from './stop-words.ts';

/** Reduces the words of a language; null for a stop word. Remembers what it has seen. */
type WordReducer = (word: string) => string | null;

// Zipf's law: so many words are most of what is ever asked. A full memory begins anew.
const mostRemembered = 50_000;
const reducers = new Map<string, WordReducer>();
// Languages with a stemmer that are written in other letters: words in ASCII among them are mostly English.
const otherLetters = new Set(['ar', 'el', 'fa', 'hi', 'hy', 'ne', 'ru', 'ta', 'yi']);
type IsoCode = Exclude<Parameters<typeof createStemmer>[0], number>;
const stemmed = new Set<string>(
  'ar ca cs da de el en eo es et eu fa fi fr ga hi hu hy id it lt ne nl no pl pt ro ru sr st sv ta tr yi'.split(' '),
);
const withoutLetters = new Set(['ja', 'km', 'ko', 'lo', 'my', 'th', 'zh']);
const isAscii = /^[\0-\x7f]*$/;
const sameAs: Record<string, string> = { nb: 'no', nn: 'no' };

/**
 * Snowball's stemmers (3.1, the algorithms that PyStemmer has), short lists of stop words, ICU's dictionaries for scripts
 * without spaces, and trigrams to tell languages apart. Words in ASCII within a text of another script count as English.
 */
export const textAnalyzer: TextAnalyzer = {
  analyze(text, language) {
    const reduce = reducerOf(language);
    const terms: string[] = [];
    for (const word of splitWords(text)) {
      const term = word.isWhole ? word.text : reduce(word.text);
      if (term !== null && term !== '') terms.push(term);
    }
    return terms;
  },
  detectLanguage,
};

function reducerOf(language: string): WordReducer {
  let reducer = reducers.get(language);
  if (reducer === undefined) reducers.set(language, (reducer = createReducer(sameAs[language] ?? language)));
  return reducer;
}

function createReducer(language: string): WordReducer {
  if (withoutLetters.has(language)) return reducerOf('en');
  const stops = stopWords(language);
  const stem = stemmed.has(language) ? createStemmer(language as IsoCode) : (word: string) => word;
  const remembered = new Map<string, string | null>();
  const english = otherLetters.has(language) ? reducerOf('en') : null;
  return (word) => {
    let term = remembered.get(word);
    if (term === undefined) {
      term = stops.has(word) ? null : english !== null && isAscii.test(word) ? english(word) : stem(word);
      if (remembered.size >= mostRemembered) remembered.clear();
      remembered.set(word, term);
    }
    return term;
  };
}
