import { expect, test } from '@jest/globals';
import { findUnknownWords } from '../../../domain/chunking/find-unknown-words.ts';
import { bertVocabulary } from '../../../providers/local/bert-vocabulary.ts';
import { WordPieceTokenizer } from '../../../providers/local/word-piece-tokenizer.ts';

const tokenizer = new WordPieceTokenizer(bertVocabulary());

function warningsOf(text: string) {
  const { starts, ends } = tokenizer.tokenize(text);
  return findUnknownWords(text, { starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) });
}

test('words that are too long for the tokenizer are counted, and the first is shown', () => {
  const dump = '0123456789abcdef'.repeat(2500);
  expect(warningsOf(`A dump: ${dump} and another: ${'z'.repeat(101)}.`)).toEqual([
    { code: 'unknown_words', detail: expect.stringMatching(/ 2 words of more than 100 .*"0123456789abcdef0123"/) },
  ]);
  expect(warningsOf(`One: ${'ก'.repeat(120)}`)[0]?.detail).toContain('1 word of more');
});

test('words of languages, addresses, minified code and wide space are nothing to warn of', () => {
  const code = 'function(a,b){return a+b;}'.repeat(200);
  const address = `https://example.test/${'path-of-words/'.repeat(20)}`;
  const text = `Donaudampfschifffahrtsgesellschaft ${code} ${address}${' '.repeat(500)}${'中文没有空格'.repeat(60)}`;
  expect(warningsOf(text)).toEqual([]);
});
