import { describe, expect, test } from '@jest/globals';
import { chunkText as chunkInSteps } from '../../../domain/chunking/chunk-text.ts';
import type { Chunk } from '../../../domain/chunking/chunk-text.ts';
import type { ChunkSizes } from '../../../domain/chunking/cutter.ts';
import type { PageStart, TextFormat, TextToChunk } from '../../../domain/chunking/text-structure.ts';
import type { TokenizedText } from '../../../domain/chunking/tokenized-text.ts';
import type { EmbeddingModel } from '../../../providers/embedding-model.ts';
import { tokenizeText } from '../../../activities/ingestion/tokenize-text.ts';
import { bertVocabulary } from '../../../providers/local/bert-vocabulary.ts';
import { WordPieceTokenizer } from '../../../providers/local/word-piece-tokenizer.ts';
import { estimateTokenOffsets } from '../../../providers/openai/estimate-token-offsets.ts';
import { seededRandom, seededText } from './seeded-text.ts';

const tokenizer = new WordPieceTokenizer(bertVocabulary());
type Tokenizer = Pick<EmbeddingModel, 'countTokens' | 'tokenOffsets'>;
const miniLm: Tokenizer = {
  countTokens: (text: string) => tokenizer.tokenize(text).ids.length,
  tokenOffsets(text: string) {
    const { starts, ends } = tokenizer.tokenize(text);
    return { starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
  },
};
const estimating: Tokenizer = {
  countTokens: (text: string) => estimateTokenOffsets(text).starts.length,
  tokenOffsets: estimateTokenOffsets,
};

function toEnd<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

function tokenize(text: string, model: Tokenizer = miniLm): TokenizedText {
  return toEnd(tokenizeText(model, text));
}

function chunkText(document: TextToChunk, sizes: ChunkSizes, model: Tokenizer = miniLm): Chunk[] {
  return toEnd(chunkInSteps(document, tokenize(document.text, model), sizes));
}

function contents(text: string, chunks: readonly Chunk[]): string[] {
  return chunks.map((chunk) => text.slice(chunk.start, chunk.end));
}

function expectPromises(
  document: TextToChunk,
  chunks: readonly Chunk[],
  sizes: ChunkSizes,
  model: Tokenizer = miniLm,
): void {
  const { text } = document;
  expect(chunks.map((chunk, index) => text.slice(chunks[index - 1]?.end ?? 0, chunk.end)).join('')).toBe(text);
  const broken = chunks.flatMap((chunk, index) => {
    const content = text.slice(chunk.start, chunk.end);
    const before = chunks[index - 1];
    const rules = {
      hasText: chunk.end > chunk.start,
      fits: model.countTokens(content) <= sizes.size,
      isCounted: model === miniLm ? chunk.tokens === model.countTokens(content) : chunk.tokens <= sizes.size,
      isWellFormed: content.isWellFormed(),
      advances: !before || (chunk.start > before.start && chunk.start <= before.end && chunk.end > before.end),
      repeatsLittle: !before || model.countTokens(text.slice(chunk.start, before.end)) <= sizes.overlap,
    };
    const names = Object.entries(rules).filter(([, kept]) => !kept);
    return names.map(([rule]) => `chunk ${index} [${chunk.start}, ${chunk.end}) breaks ${rule}`);
  });
  expect(broken).toEqual([]);
}

const formats: TextFormat[] = ['text', 'markdown', 'code'];

describe('chunkText', () => {
  test.each(Array.from({ length: 120 }, (_, seed) => seed))('keeps its promises for seed %i', (seed) => {
    const random = seededRandom(seed + 1000);
    const text = seededText(seed, 5 + Math.floor(random() * 300));
    const size = 8 + Math.floor(random() * 120);
    const sizes = { size, overlap: Math.floor(random() * size) };
    const pages = pagesOf(text, random);
    const document = { text, format: formats[seed % formats.length]!, pages };
    const chunks = chunkText(document, sizes);
    expectPromises(document, chunks, sizes);
    for (const chunk of chunks) {
      expect(chunk.page).toBe(pages.findLast((page) => page.start <= chunk.start)?.number ?? pages[0]?.number ?? null);
    }
    if (miniLm.countTokens(text) > 0) for (const content of contents(text, chunks)) expect(content).toMatch(/\S/);
    expectPromises(document, chunkText(document, sizes, estimating), sizes, estimating);
  });

  test.each([
    ['one word of twenty kilobytes', 'q'.repeat(20_000)],
    ['an unbroken line of base64', 'Zm9vYmFyL2Jhei9xdXV4Cg'.repeat(900)],
    ['Chinese without a stop', '漢字仮名交文'.repeat(200)],
    ['emoji of several parts', '\u{1F468}\u200d\u{1F469}\u200d\u{1F467}'.repeat(900)],
    ['a hundred kilobytes of white space between two words', `one${' '.repeat(100_000)}two`],
    ['line ends of Windows', 'A line that ends oddly.\r\n\r\n'.repeat(300)],
    ['empty lines', `${'\n'.repeat(5000)}word\n`.repeat(5)],
    ['Hangul', '한국어문장입니다'.repeat(300)],
    ['one row of a table, very long', `| a | b |\n| - | - |\n| ${'cell '.repeat(600)}|\n`],
  ])('keeps its promises for %s', (_, text) => {
    for (const overlap of [0, 16, 63]) {
      const sizes = { size: 64, overlap };
      for (const format of formats) expectPromises({ text, format }, chunkText({ text, format }, sizes), sizes);
    }
  });

  test('repeats what the overlap allows, up to one token less than the size', () => {
    const text = Array.from({ length: 600 }, (_, index) => `word${index % 10}`).join(' ');
    for (const overlap of [1, 10, 40, 63]) {
      const chunks = chunkText({ text, format: 'text' }, { size: 64, overlap });
      for (const [index, chunk] of chunks.entries()) {
        const before = chunks[index - 1];
        if (before === undefined) continue;
        const repeated = miniLm.countTokens(text.slice(chunk.start, before.end));
        expect(repeated).toBeLessThanOrEqual(overlap);
        expect(repeated).toBeGreaterThanOrEqual(overlap - 2);
      }
    }
  });

  test('begins a chunk at a heading and names the headings above it', () => {
    const body = 'Words that fill the section with a plain sentence. '.repeat(12);
    const text = `# Guide\n\n${body}\n\n## Install\n\n${body}\n\n## Run\n\n${body}\n`;
    const chunks = chunkText({ text, format: 'markdown' }, { size: 140, overlap: 20 });
    const begins = chunks.map((chunk) => [text.slice(chunk.start, chunk.start + 10).split('\n')[0], chunk.headings]);
    expect(begins).toContainEqual(['# Guide', ['Guide']]);
    expect(begins).toContainEqual(['## Install', ['Guide', 'Install']]);
    expect(begins).toContainEqual(['## Run', ['Guide', 'Run']]);
    for (const content of contents(text, chunks)) expect(content.trimEnd()).not.toMatch(/(?:^|\n)#+ \w+$/);
  });

  test('repeats whole sentences as overlap within a section', () => {
    const text = Array.from({ length: 60 }, (_, index) => `Sentence number ${index} says a little.`).join(' ');
    const chunks = chunkText({ text, format: 'text' }, { size: 60, overlap: 16 });
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
    const chunks = chunkText({ text, format: 'markdown' }, { size: 90, overlap: 0 });
    expect(contents(text, chunks).some((content) => content.includes(code))).toBe(true);
    expect(chunks.flatMap((chunk) => chunk.headings)).toEqual([]);
  });

  test('keeps the language of a code block that is longer than a chunk', () => {
    const text = `Before.\n\n\`\`\`python\n${'value = compute(value)\n'.repeat(60)}\`\`\`\n\nAfter it.\n`;
    const chunks = chunkText({ text, format: 'markdown' }, { size: 60, overlap: 8 });
    const languages = new Set(chunks.slice(2, -1).map((chunk) => chunk.codeLanguage));
    expect(languages).toEqual(new Set(['python']));
    expect(chunks[0]!.codeLanguage).toBeNull();
    for (const content of contents(text, chunks).slice(2, -1)) expect(content).toMatch(/^value = .*\)\n(?:```\n\n)?/s);
  });

  test('cuts a table between its rows and gives each part the header', () => {
    const rowOf = (index: number) => `| Part ${index} | ${'long words in a cell '.repeat(index % 4)}| ${index} |\n`;
    const rows = Array.from({ length: 40 }, (_, index) => rowOf(index));
    const header = '| Name | What it is | Number |';
    const text = `Parts:\n\n${header}\n| --- | --- | ---: |\n${rows.join('')}\nThe end.\n`;
    for (const overlap of [0, 12, 39]) {
      const chunks = chunkText({ text, format: 'markdown' }, { size: 48, overlap });
      for (const row of rows) expect(contents(text, chunks).some((content) => content.includes(row))).toBe(true);
      expect(chunks[0]!.tableHeader).toBeNull();
      expect(chunks.length).toBeGreaterThan(10);
      for (const [index, chunk] of chunks.entries()) {
        const content = text.slice(chunk.start, chunk.end);
        if (content.startsWith('| Part')) expect(chunk.tableHeader).toBe(header);
        else expect([0, chunks.length - 1]).toContain(index);
      }
    }
  });

  test('says on which pages and under which headings a chunk and its parts stand', () => {
    const pageTexts = ['# One\n\nFirst page. ', 'Goes on here.\n\n## Deep\n\nText.\n\n', '# Two\n\nThird page.\n'];
    const text = pageTexts.join('');
    const pages = pageTexts.map((_, index) => ({
      number: index + 11,
      start: pageTexts.slice(0, index).join('').length,
      ...(index === 0 ? { label: 'Cover' } : {}),
    }));
    const [chunk, ...others] = chunkText({ text, format: 'markdown', pages }, { size: 200, overlap: 0 });
    expect(others).toEqual([]);
    expect(chunk).toMatchObject({ page: 11, pageEnd: 13, pageLabel: 'Cover', headings: ['One'] });
    expect(chunk!.places).toEqual([
      { start: 0, page: 11, pageLabel: 'Cover', headings: ['One'] },
      { start: pages[1]!.start, page: 12, pageLabel: null, headings: ['One'] },
      { start: text.indexOf('## Deep'), page: 12, pageLabel: null, headings: ['One', 'Deep'] },
      { start: pages[2]!.start, page: 13, pageLabel: null, headings: ['Two'] },
    ]);
  });

  test('cuts code where its syntax says, and names the class and method', () => {
    const method = (name: string) => `  /** Does ${name}. */\n  ${name}() {\n    return work(${name.length});\n  }\n\n`;
    const names = Array.from({ length: 12 }, (_, index) => `method${index}`);
    const text = `class Box {\n${names.map(method).join('')}}\nconst box = new Box();\n`;
    const boundaries = [
      { position: 0, strength: 59, heading: { level: 1, title: 'Box' } },
      ...names.map((name) => ({
        position: text.indexOf(`  /** Does ${name}. `),
        strength: 58,
        heading: { level: 2, title: name },
      })),
      { position: text.indexOf('const box'), strength: 40, heading: { level: 1, title: '' } },
    ];
    const chunks = chunkText({ text, format: 'code', boundaries }, { size: 64, overlap: 16 });
    expect(chunks.length).toBeGreaterThan(3);
    for (const chunk of chunks.slice(1)) {
      const content = text.slice(chunk.start, chunk.end);
      expect(content).toMatch(/^(?: {2}\/\*\* Does method\d+|const box)/);
      if (content.startsWith('  /**')) expect(chunk.headings).toEqual(['Box', /Does (\w+)/.exec(content)![1]]);
    }
    expect(chunks.at(-1)!.places.at(-1)!.headings).toEqual([]);
  });

  test('reads underlined headings, and no heading from front matter', () => {
    const text = '---\ntitle: x\n# comment\n---\nGuide\n=====\n\nText.\n\nPart\n---\n\nMore text.\n';
    const last = chunkText({ text, format: 'markdown' }, { size: 12, overlap: 0 }).at(-1);
    expect(last?.headings).toEqual(['Guide', 'Part']);
  });

  test('makes one chunk of a text that holds no token, and none of an empty one', () => {
    const [chunk, ...others] = chunkText({ text: '\u200b\u200b', format: 'text' }, { size: 10, overlap: 2 });
    expect(chunk).toMatchObject({ start: 0, end: 2, tokens: 0 });
    expect(others).toEqual([]);
    expect(chunkText({ text: '', format: 'text' }, { size: 10, overlap: 2 })).toEqual([]);
  });

  test.each([
    ['prose', 'A sentence of eight words stands here again. ', 0],
    ['prose with the largest overlap', 'A sentence of eight words stands here again. ', 63],
    ['a word without an end', 'qwertyuiopasdfghjklz', 32],
    ['rows', '| a cell | another cell with words | 3 |\n', 32],
    ['sections', '# A\n\nWord.\n\n', 32],
  ])('takes steps in proportion to the length of %s', (_, piece, overlap) => {
    const steps = (length: number) => {
      const text = (piece.startsWith('|') ? '| a | b | c |\n|---|---|---|\n' : '') + piece.repeat(length);
      let reads = 0;
      const counted = (values: Uint32Array) =>
        new Proxy(values, { get: (target, key) => ((reads += 1), Reflect.get(target, key, target) as unknown) });
      const tokens = tokenize(text);
      const counting: TokenizedText = {
        starts: counted(tokens.starts),
        ends: counted(tokens.ends),
        seams: tokens.seams,
        countTokens: (part) => ((reads += part.length), tokens.countTokens(part)),
      };
      toEnd(chunkInSteps({ text, format: 'markdown' }, counting, { size: 64, overlap }));
      return reads;
    };
    // Sixteen times the text; binary searches grow with the logarithm, a quadratic step would take 256 times as many.
    expect(steps(1600)).toBeLessThan(steps(100) * 16 * 2);
  });
});

function pagesOf(text: string, random: () => number): PageStart[] {
  const pages: PageStart[] = [];
  for (let start = 0; start < text.length; start += 1 + Math.floor(random() * 700))
    pages.push({ number: pages.length + 1, start });
  return random() < 0.5 ? pages : [];
}
