import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

import { bertVocabulary } from '../../../providers/local/bert-vocabulary.ts';
import { WordPieceTokenizer } from '../../../providers/local/word-piece-tokenizer.ts';

const fixture = JSON.parse(readFileSync(new URL('../../fixtures/all-minilm-l6-v2.json', import.meta.url), 'utf8')) as {
  tokenized: { text: string; ids: number[] }[];
};

describe('the tokenizer of the local model', () => {
  const tokenizer = new WordPieceTokenizer(bertVocabulary());

  test('knows the vocabulary of BERT-uncased', () => {
    const vocabulary = bertVocabulary();
    expect(vocabulary).toHaveLength(30_522);
    expect(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].map((marker) => vocabulary.indexOf(marker))).toEqual([
      0, 100, 101, 102, 103,
    ]);
    expect([vocabulary[1996], vocabulary[2015], vocabulary[30_521]]).toEqual(['the', '##s', '##～']);
  });

  test.each(fixture.tokenized.map(({ text, ids }) => ({ name: JSON.stringify(text.slice(0, 40)), text, ids })))(
    'gives the ids of the reference for $name',
    ({ text, ids }) => {
      expect(tokenizer.tokenize(text).ids).toEqual(ids);
    },
  );

  test('places every token where its characters stand', () => {
    const text = 'Café  naïve: embeddings';
    const { starts, ends } = tokenizer.tokenize(text);
    expect(starts.map((start, index) => text.slice(start, ends[index]))).toEqual([
      'Café',
      'naïve',
      ':',
      'em',
      'bed',
      'ding',
      's',
    ]);
  });

  test('keeps a combining accent with its letter, so that no chunk begins with one', () => {
    const text = 'cafe\u0301 x';
    const { starts, ends } = tokenizer.tokenize(text);
    expect(starts.map((start, index) => text.slice(start, ends[index]))).toEqual(['cafe\u0301', 'x']);
  });

  test('gives the same tokens for a text cut at white space', () => {
    for (const { text } of fixture.tokenized) {
      const middle = text.search(/(?<=\S) (?=\S)/);
      if (middle < 0) continue;
      const parts = [text.slice(0, middle), text.slice(middle)];
      expect(parts.flatMap((part) => tokenizer.tokenize(part).ids)).toEqual(tokenizer.tokenize(text).ids);
    }
  });

  test('stops at a limit with the first tokens of the text', () => {
    const text = 'one two [SEP] three unbelievable embeddings';
    const all = tokenizer.tokenize(text);
    for (let limit = 0; limit <= all.ids.length; limit += 1) {
      expect(tokenizer.tokenize(text, limit).ids).toEqual(all.ids.slice(0, limit));
    }
  });

  test('takes megabytes without a space as one unknown word', () => {
    const text = `${'x'.repeat(5_000_000)} end`;
    const { ids, starts, ends } = tokenizer.tokenize(text);
    expect(ids).toEqual([100, 2203]);
    expect([starts[0], ends[0], starts[1]]).toEqual([0, 5_000_000, 5_000_001]);
  });
});
