import { PerdureError } from '../../../contracts/errors.ts';
import { suspectGarbled } from '../../../domain/documents/suspect-garbled.ts';

const scriptFamilies = [
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u,
  /\p{Script=Hangul}/u,
  /\p{Script=Thai}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Arabic}/u,
  /\p{Script=Hebrew}/u,
  /\p{Script=Latin}/u,
];

// Unassigned, private, and halves of pairs: what chance brings, and no writer.
const noLetters = /[\p{Cn}\p{Co}\p{Cs}\uFFFD]/u;

/** Whether the bytes hold more controls than any text of 8-bit units does. */
export function isBinary(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, 8192);
  let controls = 0;
  for (const byte of sample) if (byte < 9 || (byte > 13 && byte < 27) || (byte > 27 && byte < 32)) controls += 1;
  return controls > sample.length / 100;
}

/**
 * Whether bytes that hold controls are plain text in which NUL bytes stand, as programs leave them that write fields of a
 * fixed length. Read as UTF-16 the letters of such a text would be Chinese ones.
 */
export function isTextWithNuls(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, 8192);
  const others = sample.filter((byte) => byte !== 0);
  const plain = others.reduce((count, byte) => count + Number(byte >= 32 && byte < 127), 0);
  // What was never written of a buffer or a log is one long run of them.
  const runs = sample.reduce((count, byte, place) => count + Number(byte === 0 && sample[place - 1] !== 0), 0);
  const isAside = plain > 0.8 * sample.length || (plain > 0.8 * others.length && runs * 50 < others.length);
  return isAside && !isBinary(others);
}

/** UTF-16 without a mark whose letters are not those of ASCII: it has controls, but reads as one script; else null. */
export function readUnmarkedUtf16(bytes: Uint8Array): { charset: string; text: string } | null {
  for (const charset of bytes.length % 2 === 0 ? ['utf-16le', 'utf-16be'] : []) {
    const text = new TextDecoder(charset).decode(bytes);
    if (!noLetters.test(text) && isOfOneScript(text) && suspectGarbled(text, 'data') === null) return { charset, text };
  }
  return null;
}

/** Whether UTF-16 or UTF-32 that only its NUL bytes gave away reads like no text; a half of a pair here and there may be lost. */
export function isMisread(text: string): boolean {
  const lost = text.split('\uFFFD').length - 1;
  return lost * 20 > text.length || suspectGarbled(text.replaceAll('\uFFFD', ''), 'data') !== null;
}

/** The refusal of bytes that are no text. */
export function refuseBinary(bytes: Uint8Array): PerdureError {
  const first = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return new PerdureError('document_binary', `The bytes are no text in any encoding; they begin with ${first}.`);
}

function isOfOneScript(text: string): boolean {
  const letters = text.slice(0, 4096).match(/[\p{L}\p{M}]/gu) ?? [];
  const most = Math.max(...scriptFamilies.map((family) => letters.filter((letter) => family.test(letter)).length));
  return letters.length > 2 && most >= letters.length * 0.9;
}
