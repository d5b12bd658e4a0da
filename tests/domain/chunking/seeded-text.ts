/** Mulberry32: the same numbers in [0, 1) for the same seed on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pieces = [
  'The worker stops. ',
  'A generation is published atomically! ',
  'word ',
  'x',
  '漢字かな。',
  '😀',
  'é',
  '\n',
  '\n\n',
  '\r\n',
  '   ',
  '\t',
  '# Heading\n',
  '### Deeper\n\n',
  'Title\n=====\n',
  '- item one\n',
  '12. item twelve\n',
  '```js\nconst a = 1;\n\nreturn a;\n```\n',
  '| a | b |\n',
  '\n| Item | Price |\n| --- | ---: |\n| Bread | 2.10 |\n| Salt and a good deal of pepper | 0.80 |\n| Oil | 7 |\n\n',
  'left | right\n:-- | --:\none. two. | three\n',
  '```\nno language\n',
  'function f(a) {\n  if (a) {\n    return f(a - 1);\n  }\n}\n\n',
  'class A:\n\tdef m(self):\n\t\treturn 1\n',
  '---\n',
  'https://example.org/a/very/long/path?with=query ',
  'q'.repeat(400),
  'internationalization',
  'Zm9vYmFyCg/'.repeat(9),
  '\u{1F468}\u200d\u{1F469}\u200d\u{1F467}',
  'พยัญชนะไทย',
  'a\u0301\u0302b',
  '\f',
  ' '.repeat(900),
  '\u200b',
  '한국어 ',
];

/** A text of `count` random pieces: prose, markup, scripts without spaces, long runs, broken line ends. */
export function seededText(seed: number, count: number): string {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => pieces[Math.floor(random() * pieces.length)]).join('');
}
