import { describe, expect, test } from '@jest/globals';
import { chunkText as chunkInSteps } from '../../../domain/chunking/chunk-text.ts';
import type { Chunk, TokenSpans } from '../../../domain/chunking/chunk-text.ts';
import type { TextFormat } from '../../../domain/chunking/text-structure.ts';
import { bertVocabulary } from '../../../providers/local/bert-vocabulary.ts';
import { WordPieceTokenizer } from '../../../providers/local/word-piece-tokenizer.ts';
import { seededRandom, seededText } from './seeded-text.ts';

const tokenizer = new WordPieceTokenizer(bertVocabulary());

function tokenize(text: string): TokenSpans {
  const { starts, ends } = tokenizer.tokenize(text);
  return { starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
}

function chunkText(...args: Parameters<typeof chunkInSteps>): Chunk[] {
  const steps = chunkInSteps(...args);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function withoutOverlap(text: string, chunks: readonly Chunk[]): string {
  return chunks.map((chunk, index) => text.slice(chunks[index - 1]?.end ?? 0, chunk.end)).join('');
}

const formats: TextFormat[] = ['text', 'markdown', 'code'];

describe('chunkText', () => {
  test.each(Array.from({ length: 120 }, (_, seed) => seed))('keeps its promises for seed %i', (seed) => {
    const random = seededRandom(seed + 1000);
    const text = seededText(seed, 5 + Math.floor(random() * 300));
    const size = 8 + Math.floor(random() * 120);
    const overlap = Math.floor(random() * size);
    const format = formats[seed % formats.length]!;
    const tokens = tokenize(text);
    const chunks = chunkText(text, format, tokens, { size, overlap });

    expect(withoutOverlap(text, chunks)).toBe(text);
    for (const [index, chunk] of chunks.entries()) {
      const before = chunks[index - 1];
      expect(chunk.end).toBeGreaterThan(chunk.start);
      expect(chunk.tokens).toBeLessThanOrEqual(size);
      expect(text.slice(chunk.start, chunk.end).isWellFormed()).toBe(text.isWellFormed());
      if (before) {
        expect(chunk.start).toBeLessThanOrEqual(before.end);
        expect(chunk.start).toBeGreaterThanOrEqual(before.start);
        expect(chunk.end).toBeGreaterThan(before.end);
        const repeated = tokens.starts.filter((start) => start >= chunk.start && start < before.end).length;
        expect(repeated).toBeLessThanOrEqual(overlap);
      }
    }
    const tokensInText = tokens.starts.length;
    if (tokensInText > 0) expect(chunks.every((chunk) => /\S/.test(text.slice(chunk.start, chunk.end)))).toBe(true);
  });

  test('begins a chunk at a heading and names the headings above it', () => {
    const body = 'Words that fill the section with a plain sentence. '.repeat(12);
    const text = `# Guide\n\n${body}\n\n## Install\n\n${body}\n\n## Run\n\n${body}\n`;
    const chunks = chunkText(text, 'markdown', tokenize(text), { size: 140, overlap: 20 });
    const begins = chunks.map((chunk) => [text.slice(chunk.start, chunk.start + 10).split('\n')[0], chunk.headings]);
    expect(begins).toContainEqual(['# Guide', ['Guide']]);
    expect(begins).toContainEqual(['## Install', ['Guide', 'Install']]);
    expect(begins).toContainEqual(['## Run', ['Guide', 'Run']]);
    for (const chunk of chunks)
      expect(text.slice(chunk.start, chunk.end).trimEnd()).not.toMatch(/^#+ \w+$/m.source + '$');
  });

  test('repeats whole sentences as overlap within a section', () => {
    const text = Array.from({ length: 60 }, (_, index) => `Sentence number ${index} says a little.`).join(' ');
    const chunks = chunkText(text, 'text', tokenize(text), { size: 60, overlap: 16 });
    expect(chunks.length).toBeGreaterThan(5);
    for (const [index, chunk] of chunks.entries()) {
      expect(text.slice(chunk.start, chunk.start + 8)).toBe('Sentence');
      if (index > 0) expect(chunk.start).toBeLessThan(chunks[index - 1]!.end);
    }
  });

  test('does not cut inside a code block that fits, nor sees a heading in it', () => {
    const code = '```sh\n# not a heading\nnpm start\n\nnpm test\n```\n';
    const prose = 'Some words stand here to fill the space before the block. '.repeat(4);
    const text = `${prose}\n\n${code}\n${prose}\n`;
    const chunks = chunkText(text, 'markdown', tokenize(text), { size: 90, overlap: 0 });
    expect(chunks.some((chunk) => text.slice(chunk.start, chunk.end).includes(code))).toBe(true);
    expect(chunks.flatMap((chunk) => chunk.headings)).toEqual([]);
  });

  test('reads underlined headings, and no heading from front matter', () => {
    const text = '---\ntitle: x\n# comment\n---\nGuide\n=====\n\nText.\n\nPart\n---\n\nMore text.\n';
    const tokens = tokenize(text);
    const last = chunkText(text, 'markdown', tokens, { size: 12, overlap: 0 }).at(-1);
    expect(last?.headings).toEqual(['Guide', 'Part']);
  });

  test('makes one chunk of a text that holds no token', () => {
    const text = '\u200b\u200b';
    expect(chunkText(text, 'text', tokenize(text), { size: 10, overlap: 2 })).toEqual([
      { start: 0, end: 2, tokens: 0, headings: [] },
    ]);
    expect(chunkText('', 'text', tokenize(''), { size: 10, overlap: 2 })).toEqual([]);
  });

  test('takes time in proportion to the length', () => {
    const measure = (length: number) => {
      const text = 'A sentence of eight words stands here again. '.repeat(length);
      const tokens = tokenize(text);
      const before = performance.now();
      chunkText(text, 'markdown', tokens, { size: 200, overlap: 32 });
      return performance.now() - before;
    };
    measure(2000);
    const small = Math.min(measure(2000), measure(2000), measure(2000));
    const large = Math.min(measure(32_000), measure(32_000), measure(32_000));
    // 16 times the text: a quadratic step would take 256 times as long.
    expect(large).toBeLessThan(small * 64 + 20);
  });
});
