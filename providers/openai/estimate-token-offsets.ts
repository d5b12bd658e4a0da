import type { TokenOffsets } from '../embedding-model.ts';

// Runs as byte-pair tokenizers part them before merging: words, digits by threes, signs; white space joins what follows.
const runs = /\p{L}[\p{L}\p{M}]*|\p{N}{1,3}|[^\s\p{L}\p{N}]+/gu;
const asciiLettersPerToken = 4;

/**
 * Estimates tokens of byte-pair vocabularies (cl100k, o200k) without their tables of several megabytes: words count one
 * token per four Latin letters begun, digits one per three, and every other character one. It errs on the high side for
 * prose and code, so a text cut by it fits the model.
 */
export function estimateTokenOffsets(text: string): TokenOffsets {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const { 0: run, index } of text.matchAll(runs)) {
    for (let from = 0; from < run.length;) {
      const to = Math.min(run.length, from + stepAt(run, from));
      starts.push(index + from);
      ends.push(index + to);
      from = to;
    }
  }
  return { starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
}

function stepAt(run: string, from: number): number {
  const piece = /^(?:[A-Za-z]+|[0-9]+)/.exec(run.slice(from, from + asciiLettersPerToken));
  if (piece !== null) return piece[0].length;
  return (run.codePointAt(from) ?? 0) > 0xffff ? 2 : 1;
}
