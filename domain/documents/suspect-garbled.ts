import { countOf } from '../../contracts/names/count-of.ts';
import { judgeLetters } from './judge-letters.ts';

// More says nothing new, and the check is to cost little: a long text is looked at in parts of it all.
const lookedAt = 65_536;
const parts = 16;
const controls = /(?![\t\n\v\f\r\u0085])\p{Cc}/gu;
const privateUse = /[\uE000-\uF8FF]/g;
// UTF-8 that was read as windows-1252, which is the commonest fault of all.
const misread = '[\\u0080-\\u00BF\\u0152-\\u0192\\u02C6\\u02DC\\u2013-\\u203A\\u20AC\\u2122]';
const mojibake = new RegExp(`[ÂÃ]${misread}|â€${misread}|(?:[ÐÑ]${misread}){2}|ï¿½`, 'g');
const glyphNumbers = /\(cid:\d+\)/g;
const latin = /[a-z\u00C0-\u024F]+/gi;
const accented = /[\u00C0-\u00FF]+/g;
const vowels =
  /[aeiouy\u00C0-\u00C6\u00C8-\u00CF\u00D2-\u00D6\u00D8-\u00DD\u00E0-\u00E6\u00E8-\u00EF\u00F2-\u00F6\u00F8-\u00FD\u0100-\u0105\u0112-\u011B\u0128-\u0131\u014C-\u0153\u0168-\u0173]+/gi;

/** Says why a text looks garbled (wrong encoding, fonts without Unicode, binary remains), or null if it does not. */
export function suspectGarbled(text: string, kind: 'prose' | 'data'): string | null {
  const replaced = count(text, /\uFFFD/g);
  if (replaced > 0) return `${countOf(replaced, 'character')} could not be decoded.`;
  const sample = spread(text);
  const controlled = count(sample, controls);
  if (controlled > sample.length / 1000) return `The text holds ${countOf(controlled, 'control character')}.`;
  if (count(sample, privateUse) > Math.max(2, sample.length / 50)) return 'Many characters have no meaning in Unicode.';
  if (count(sample, glyphNumbers) > 2) return 'Numbers of glyphs stand in place of letters.';
  if (count(sample, mojibake) > 1) return 'Letters look as if their encoding had been mistaken for another.';
  const letters = countUnits(sample, latin);
  if (letters > 20 && countUnits(sample, accented) > letters * 0.6) return 'Nearly all letters bear accents.';
  const { words, odd } = judgeLetters(sample);
  if (odd > 1 && odd > words / 4) return `${odd} of ${words} words mix letters as no language does.`;
  return kind === 'prose' && !hasVowels(sample, letters) ? 'The letters make no words of a language.' : null;
}

function spread(text: string): string {
  if (text.length <= lookedAt) return text;
  const length = lookedAt / parts;
  const step = (text.length - length) / (parts - 1);
  const starts = Array.from({ length: parts }, (_, part) => Math.round(part * step));
  return starts.map((start) => text.slice(start, start + length)).join('\n');
}

function hasVowels(text: string, letters: number): boolean {
  if (letters < 150) return true;
  const share = countUnits(text, vowels) / letters;
  return share > 0.22 && share < 0.7;
}

function count(text: string, pattern: RegExp): number {
  let found = 0;
  for (const _ of text.matchAll(pattern)) found += 1;
  return found;
}

/** UTF-16 units within the runs that a pattern finds: one match for each letter would take most of a small document's time. */
function countUnits(text: string, runs: RegExp): number {
  let found = 0;
  for (const run of text.match(runs) ?? []) found += run.length;
  return found;
}
