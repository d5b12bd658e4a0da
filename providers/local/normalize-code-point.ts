/** What BERT's pre-tokenizer does with a normalized character. */
type CharacterKind = 'space' | 'alone' | 'word';

/** One character that a code point becomes, lower-cased and without accents. */
export interface NormalizedCharacter {
  readonly text: string;
  readonly kind: CharacterKind;
}

const space: NormalizedCharacter = { text: ' ', kind: 'space' };
const dropped = /^[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD]$/u;
const whiteSpace = /^\p{White_Space}$/u;
const accent = /^\p{Mn}$/u;
const punctuation = /^[\p{P}!-/:-@[-`{-~]$/u;

// The ranges of the reference implementation, its gap from 2B820 to 2B91F included: ids must agree with the weights.
const ideographs: readonly (readonly [number, number])[] = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
];

/**
 * Normalizes one code point as BERT-uncased does (clean, part ideographs, strip accents, lower-case), which never
 * depends on its neighbours; an empty array means that it vanishes. Equal to the reference for every code point but the
 * 671 that Unicode gained after its version 8, whose categories the reference does not know.
 * Source: BertNormalizer and BertPreTokenizer of huggingface/tokenizers.
 */
export function normalizeCodePoint(codePoint: number): readonly NormalizedCharacter[] {
  const character = String.fromCodePoint(codePoint);
  if (character === '\t' || character === '\n' || character === '\r') return [space];
  // Controls first: the reference drops form feed and vertical tab though they are white space.
  if (dropped.test(character)) return [];
  if (whiteSpace.test(character)) return [space];
  const isIdeograph = ideographs.some(([first, last]) => codePoint >= first && codePoint <= last);
  return Array.from(character.normalize('NFD'))
    .filter((part) => !accent.test(part))
    .flatMap((part) => Array.from(part.toLowerCase()))
    .map((part) => ({ text: part, kind: isIdeograph ? 'alone' : kindOf(part) }));
}

function kindOf(character: string): CharacterKind {
  if (whiteSpace.test(character)) return 'space';
  return punctuation.test(character) ? 'alone' : 'word';
}
