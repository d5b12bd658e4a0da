import { isPlainSpace } from '../../domain/chunking/tokenized-text.ts';
import type { TokenizedText } from '../../domain/chunking/tokenized-text.ts';
import { tokenSlices } from '../../domain/chunking/token-slices.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';

// About 20 ms of work.
const sliceCharacters = 32_768;

/** Finds the tokens of a text once, slice by slice; yields after each, so that the caller may let others run. */
export function* tokenizeText(
  model: Pick<EmbeddingModel, 'tokenOffsets' | 'countTokens'>,
  text: string,
): Generator<void, TokenizedText> {
  const slices: { offset: number; spans: ReturnType<EmbeddingModel['tokenOffsets']> }[] = [];
  const seams: number[] = [];
  let count = 0;
  for (const { start, end } of tokenSlices(text, sliceCharacters)) {
    const spans = model.tokenOffsets(text.slice(start, end));
    slices.push({ offset: start, spans });
    count += spans.starts.length;
    if (end < text.length && !isPlainSpace(text.charCodeAt(end))) seams.push(end);
    yield;
  }
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  let token = 0;
  for (const { offset, spans } of slices) {
    for (let index = 0; index < spans.starts.length; index += 1, token += 1) {
      starts[token] = spans.starts[index]! + offset;
      ends[token] = spans.ends[index]! + offset;
    }
  }
  return { starts, ends, seams, countTokens: (part) => model.countTokens(part) };
}
