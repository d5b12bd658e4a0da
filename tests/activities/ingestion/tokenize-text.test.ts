import { describe, expect, test } from '@jest/globals';
import { inTurns } from '../../../activities/ingestion/in-turns.ts';
import { tokenizeText } from '../../../activities/ingestion/tokenize-text.ts';
import { bertVocabulary } from '../../../providers/local/bert-vocabulary.ts';
import { WordPieceTokenizer } from '../../../providers/local/word-piece-tokenizer.ts';
import { seededText } from '../../domain/chunking/seeded-text.ts';

const tokenizer = new WordPieceTokenizer(bertVocabulary());
const model = {
  countTokens: (text: string) => tokenizer.tokenize(text).ids.length,
  tokenOffsets(text: string) {
    const { starts, ends } = tokenizer.tokenize(text);
    return { starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
  },
};
const never = new AbortController().signal;

describe('tokenizeText', () => {
  test.each([1, 2, 3])('finds the tokens of the whole in slices (seed %i)', async (seed) => {
    const text = seededText(seed, 6000);
    expect(text.length).toBeGreaterThan(100_000);
    const { starts, ends } = await inTurns(tokenizeText(model, text), never);
    expect({ starts, ends }).toEqual(model.tokenOffsets(text));
  });

  test('lets others run in between, and stops when it is cancelled', async () => {
    const stop = new AbortController();
    setImmediate(() => stop.abort(new Error('cancelled')));
    await expect(inTurns(tokenizeText(model, seededText(4, 6000)), stop.signal)).rejects.toThrow('cancelled');
  });
});
