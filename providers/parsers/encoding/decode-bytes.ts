import { countOf } from '../../../contracts/names/count-of.ts';
import type { DocumentWarning } from '../../../contracts/names/document-warnings.ts';
import { judgeLetters } from '../../../domain/documents/judge-letters.ts';
import { suspectGarbled } from '../../../domain/documents/suspect-garbled.ts';
import { isBinary, isMisread, isTextWithNuls, readUnmarkedUtf16, refuseBinary } from './binary-bytes.ts';
import { decodeSevenBit } from './decode-seven-bit.ts';
import { decodeUtf32 } from './decode-utf32.ts';
import { decodeNearly, decodeStrictly, detectCharset } from './detect-charset.ts';
import type { CharsetGuess } from './detect-charset.ts';
import { detectUnicode } from './detect-unicode.ts';
import { readLatin } from './read-latin.ts';

/** Text, the charset in which it was read, and a `suspected_garbled` warning where that is in doubt. */
export interface DecodedBytes {
  readonly text: string;
  readonly charset: string;
  readonly warnings: readonly DocumentWarning[];
}

// Below these the detector guesses; measured on texts of 5 to 2,000 letters in all of its charsets.
const doubtful = 0.15;
const fewBytes = 4;
// Their words are told apart by spaces; one that mixes letters was written in another charset than the rest.
const alphabets = /^(?:windows-125\d|koi8|iso-8859|ibm866)/;

/**
 * Reads bytes as text: by their byte order mark, as UTF-8 where they are valid, by the declared charset where it fits the
 * bytes, else by what their letters tell. A mark is not part of the text.
 * @throws PerdureError `document_binary` if the bytes are no text in any charset.
 */
export function decodeBytes(bytes: Uint8Array, declared: string | null = null): DecodedBytes {
  const unicode = detectUnicode(bytes);
  if (unicode && unicode.charset !== 'utf-8') {
    const content = bytes.subarray(unicode.markBytes);
    const { charset } = unicode;
    const text = charset.startsWith('utf-32')
      ? decodeUtf32(content, charset === 'utf-32le')
      : new TextDecoder(charset).decode(content);
    if (unicode.markBytes === 0 && isMisread(text)) throw refuseBinary(bytes);
    return { text, charset, warnings: [] };
  }
  const sevenBit = unicode ? null : decodeSevenBit(bytes);
  if (sevenBit !== null) return { ...sevenBit, warnings: [] };
  if (!unicode && isBinary(bytes) && !isTextWithNuls(bytes)) {
    const wide = readUnmarkedUtf16(bytes);
    if (wide === null) throw refuseBinary(bytes);
    return { ...wide, warnings: wide.text.length < 16 ? [doubt(`It was read as ${wide.charset}.`)] : [] };
  }
  const utf8 = decodeStrictly(bytes, 'utf-8');
  if (utf8 !== null) return { text: utf8, charset: 'utf-8', warnings: [] };
  if (unicode) return { text: new TextDecoder().decode(bytes), charset: 'utf-8', warnings: [] };
  return choose(bytes, declared);
}

function choose(bytes: Uint8Array, declared: string | null): DecodedBytes {
  const guesses = detectCharset(bytes);
  const [best, second] = guesses;
  const claim = readClaimed(bytes, declared, guesses);
  if (claim) return claim;
  // It is UTF-8 of which bytes are damaged or written in another charset: by chance, few sequences of bytes are valid.
  const damaged = new TextDecoder().decode(bytes);
  const lost = damaged.split('\uFFFD').length - 1;
  const kept = judgeLetters(damaged).words;
  if (!best && countLetters(damaged) === 0) {
    // Not one letter beyond ASCII is valid UTF-8: it is one of the charsets of Windows, most likely the commonest.
    const text = new TextDecoder('windows-1252').decode(bytes);
    return { text, charset: 'windows-1252', warnings: [doubt('It was read as windows-1252.')] };
  }
  if (!best || (best.confidence < doubtful && lost * 4 < kept) || lost * 50 < kept || lost <= countLetters(damaged)) {
    return { text: damaged, charset: 'utf-8', warnings: [doubt(`Not valid UTF-8: ${countOf(lost, 'place')}.`)] };
  }
  const latin = alphabets.test(best.charset) ? readLatin(bytes) : null;
  if (latin) return { ...latin, warnings: [] };
  const enough = bytes.filter((byte) => byte > 0x7f).length >= fewBytes;
  const rival = (second?.confidence ?? 0) / best.confidence;
  const sure = enough && (best.confidence >= doubtful ? rival < 0.75 : best.confidence > 0.03 && rival < 0.2);
  const other = second ? `, and might be ${second.charset}` : '';
  const warnings = sure ? [] : [doubt(`No charset is declared. It was read as ${best.charset}${other}.`)];
  const { words, odd } = judgeLetters(best.text);
  if (sure && alphabets.test(best.charset) && odd > 3 && odd * 10 > words) {
    warnings.push(
      doubt(`It was read as ${best.charset}, and ${odd} of ${words} words mix letters as no language does.`),
    );
  }
  return { text: best.text, charset: best.charset, warnings };
}

function countLetters(text: string): number {
  return text.match(/[^\0-\x7F\uFFFD]/gu)?.length ?? 0;
}

/** A declared charset is believed where the bytes are valid in it, its letters look right, and no other fits far better. */
function readClaimed(
  bytes: Uint8Array,
  declared: string | null,
  guesses: readonly CharsetGuess[],
): DecodedBytes | null {
  const charset = declared === null ? null : canonical(declared);
  if (charset === null || charset === 'utf-8') return null;
  const text = decodeNearly(bytes, charset);
  if (text === null) return null;
  const [best] = guesses;
  const own = guesses.find((guess) => guess.text === text)?.confidence ?? 0;
  const better = best !== undefined && best.confidence > 0.5 && own < best.confidence / 4;
  if (better || suspectGarbled(text.replaceAll('\uFFFD', ''), 'data') !== null) return null;
  return { text, charset, warnings: [] };
}

// What Python and Emacs call charsets, for which the Web has other names.
const otherNames: Readonly<Record<string, string>> = {
  cp932: 'shift_jis',
  cp936: 'gbk',
  cp949: 'euc-kr',
  cp950: 'big5',
};

/** The name that TextDecoder has for a label, or null if it knows none. */
function canonical(label: string): string | null {
  const name = label.trim().toLowerCase();
  const dashed = name.replaceAll('_', '-').replace(/-(?:unix|dos|mac)$/, '');
  for (const candidate of [otherNames[name], name, dashed, dashed.replace(/^(?:iso-)?latin-/, 'latin')]) {
    try {
      if (candidate !== undefined) return new TextDecoder(candidate).encoding;
    } catch {
      // Another spelling may be known.
    }
  }
  return null;
}

function doubt(detail: string): DocumentWarning {
  return { code: 'suspected_garbled', detail: `The encoding of the text is not certain. ${detail}` };
}
