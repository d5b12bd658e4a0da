import { normalizeCodePoint } from './normalize-code-point.ts';
import type { NormalizedCharacter } from './normalize-code-point.ts';

/** Token ids of a text without markers; token i covers `text.slice(starts[i], ends[i])`, in UTF-16 code units. */
export interface TokenizedText {
  readonly ids: number[];
  readonly starts: number[];
  readonly ends: number[];
}

/** A token of a word: its id, and where it ends in the normalized word. */
interface Piece {
  readonly id: number;
  readonly end: number;
}

/** A word under construction: normalized text, and for each of its code units where it came from. */
interface Word {
  text: string;
  readonly starts: number[];
  readonly ends: number[];
}

// As in the reference: a longer word is unknown as a whole.
const longestWord = 100;
// Enough for the words of a large document; a cache that grows without bound would be a leak.
const cachedWords = 50_000;
const markers = /\[(?:PAD|UNK|CLS|SEP|MASK)\]/g;

/**
 * BERT-uncased's tokenizer with offsets (Wu et al. 2016, WordPiece; greedy longest match first), whose ids equal those
 * of huggingface/tokenizers with the model's tokenizer.json. Offsets ascend and never overlap; a token may be empty
 * where one character of the text becomes several (a Hangul syllable). Marks and accents belong to the token before.
 */
export class WordPieceTokenizer {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #unknown: number;
  readonly #words = new Map<string, readonly Piece[]>();
  readonly #characters = new Map<number, readonly NormalizedCharacter[]>();

  /** Takes the token of each id, continuations spelled with `##`; throws when `[UNK]` is missing. */
  constructor(vocabulary: readonly string[]) {
    this.#ids = new Map(vocabulary.map((token, id) => [token, id]));
    const unknown = this.#ids.get('[UNK]');
    if (unknown === undefined) throw new Error('The vocabulary has no [UNK] token: it is not one of BERT-uncased.');
    this.#unknown = unknown;
  }

  /** Returns the id of a marker such as `[CLS]`; throws when the vocabulary lacks it. */
  idOf(marker: string): number {
    const id = this.#ids.get(marker);
    if (id === undefined) throw new Error(`The vocabulary has no token ${marker}.`);
    return id;
  }

  /** Tokenizes a text, reading no further than it must for `limit` tokens. */
  tokenize(text: string, limit: number = Number.POSITIVE_INFINITY): TokenizedText {
    const tokens: TokenizedText = { ids: [], starts: [], ends: [] };
    let from = 0;
    // Markers written out in a text are markers to the reference too.
    for (const match of text.matchAll(markers)) {
      this.#tokenizePlain(text, from, match.index, limit, tokens);
      from = match.index + match[0].length;
      append(tokens, this.idOf(match[0]), match.index, from);
      if (tokens.ids.length >= limit) break;
    }
    if (tokens.ids.length < limit) this.#tokenizePlain(text, from, text.length, limit, tokens);
    if (tokens.ids.length <= limit) return tokens;
    return {
      ids: tokens.ids.slice(0, limit),
      starts: tokens.starts.slice(0, limit),
      ends: tokens.ends.slice(0, limit),
    };
  }

  #tokenizePlain(text: string, from: number, to: number, limit: number, tokens: TokenizedText): void {
    let word: Word = { text: '', starts: [], ends: [] };
    const flush = (): void => {
      if (word.text === '') return;
      this.#appendWord(word, tokens);
      word = { text: '', starts: [], ends: [] };
    };
    for (let start = from; start < to && tokens.ids.length < limit;) {
      const plainEnd = word.text === '' ? endOfPlainWord(text, start, to) : start;
      if (plainEnd > start) {
        this.#appendPlainWord(text.slice(start, plainEnd), start, tokens);
        start = plainEnd;
        continue;
      }
      const codePoint = text.codePointAt(start) ?? 0;
      const end = start + (codePoint > 0xffff ? 2 : 1);
      const characters = this.#normalize(codePoint);
      if (characters.length === 0) {
        if (word.text !== '') extend(word.ends, start, end);
        else extend(tokens.ends, start, end);
      }
      for (const { text: normalized, kind } of characters) {
        if (kind === 'word') {
          push(word, normalized, start, end);
          continue;
        }
        flush();
        if (kind === 'space') continue;
        push(word, normalized, start, end);
        flush();
      }
      start = end;
    }
    flush();
  }

  #appendPlainWord(word: string, start: number, tokens: TokenizedText): void {
    let from = start;
    for (const { id, end } of this.#pieces(word.toLowerCase())) {
      append(tokens, id, from, start + end);
      from = start + end;
    }
  }

  #normalize(codePoint: number): readonly NormalizedCharacter[] {
    let characters = this.#characters.get(codePoint);
    if (characters === undefined) {
      characters = normalizeCodePoint(codePoint);
      this.#characters.set(codePoint, characters);
    }
    return characters;
  }

  #appendWord(word: Word, tokens: TokenizedText): void {
    let from = 0;
    for (const { id, end } of this.#pieces(word.text)) {
      append(tokens, id, word.starts[from] ?? 0, word.ends[end - 1] ?? 0);
      from = end;
    }
  }

  #pieces(word: string): readonly Piece[] {
    const cached = this.#words.get(word);
    if (cached !== undefined) return cached;
    const pieces = this.#split(word);
    if (word.length > longestWord) return pieces;
    if (this.#words.size >= cachedWords) this.#words.clear();
    this.#words.set(word, pieces);
    return pieces;
  }

  #split(word: string): readonly Piece[] {
    const whole: readonly Piece[] = [{ id: this.#unknown, end: word.length }];
    const characters = Array.from(word);
    if (characters.length > longestWord) return whole;
    const pieces: Piece[] = [];
    let first = 0;
    let offset = 0;
    while (first < characters.length) {
      let last = characters.length;
      let id: number | undefined;
      let piece = '';
      for (; last > first; last -= 1) {
        piece = characters.slice(first, last).join('');
        id = this.#ids.get(first === 0 ? piece : `##${piece}`);
        if (id !== undefined) break;
      }
      if (id === undefined) return whole;
      offset += piece.length;
      pieces.push({ id, end: offset });
      first = last;
    }
    return pieces;
  }
}

/**
 * The end of a word of ASCII letters and digits that begins at `start`; `start` itself if none does, if it is long, or if
 * what follows might belong to it. Such a word is normalized by lowering its case, unit by unit.
 */
function endOfPlainWord(text: string, start: number, to: number): number {
  let end = start;
  let unit = -1;
  for (; end < to; end += 1) {
    unit = text.charCodeAt(end);
    if (!isAsciiAlphanumeric(unit)) break;
  }
  if (end - start > longestWord) return start;
  return end === to || isAsciiBreak(unit) ? end : start;
}

const isAsciiAlphanumeric = (unit: number): boolean =>
  (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x30 && unit <= 0x39);

// Space, line ends, tab and punctuation; other control characters are dropped and do not end a word.
const isAsciiBreak = (unit: number): boolean =>
  (unit >= 0x20 && unit < 0x7f) || unit === 0x0a || unit === 0x0d || unit === 0x09;

function push(word: Word, normalized: string, start: number, end: number): void {
  // Past this length the word is unknown whatever follows; megabytes without a space must not be kept.
  if (word.text.length > 2 * longestWord) {
    word.ends[word.ends.length - 1] = end;
    return;
  }
  word.text += normalized;
  for (let unit = 0; unit < normalized.length; unit += 1) {
    word.starts.push(start);
    word.ends.push(end);
  }
}

/** Lets what ends exactly here (a letter before its dropped accent) reach further. */
function extend(ends: number[], start: number, end: number): void {
  if (ends.at(-1) === start) ends[ends.length - 1] = end;
}

function append(tokens: TokenizedText, id: number, start: number, end: number): void {
  tokens.ids.push(id);
  tokens.starts.push(Math.max(start, tokens.ends.at(-1) ?? 0));
  tokens.ends.push(Math.max(end, tokens.ends.at(-1) ?? 0));
}
