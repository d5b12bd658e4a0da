import { francAll } from 'franc';
import { createLatinRanking } from '../parsers/encoding/rank-latin-languages.ts';

// The languages that are stemmed or segmented, and those that would be taken for one of them. Fewer are told apart better.
const iso639: Record<string, string> = {
  afr: 'af', arb: 'ar', bel: 'be', bul: 'bg', cat: 'ca', ces: 'cs', cmn: 'zh', dan: 'da', deu: 'de', ell: 'el', eng: 'en',
  est: 'et', eus: 'eu', fin: 'fi', fra: 'fr', gle: 'ga', heb: 'he', hin: 'hi', hrv: 'hr', hun: 'hu', hye: 'hy', ind: 'id',
  ita: 'it', jpn: 'ja', khm: 'km', kor: 'ko', lao: 'lo', lit: 'lt', lvs: 'lv', mya: 'my', nld: 'nl', nob: 'no', npi: 'ne',
  pes: 'fa', pol: 'pl', por: 'pt', ron: 'ro', rus: 'ru', slk: 'sk', slv: 'sl', spa: 'es', srp: 'sr', swe: 'sv', tam: 'ta',
  tha: 'th', tur: 'tr', ukr: 'uk', vie: 'vi', ydd: 'yi',
}; // prettier-ignore

const options = { only: Object.keys(iso639) };
const rankLatin = createLatinRanking(options.only);
const isAscii = /^[\0-\x7f]*$/;
// Trigrams of so much text decide; more costs time and changes nothing.
const sample = 2000;
const leastLetters = 20;
// English that is this close to the first is taken: of titles it mends every second mistake, of texts in others makes none.
const closeToEnglish = 0.92;

/**
 * The language that most of a text is written in, as an ISO 639-1 code; `und` for languages that the analysis knows
 * nothing about. Of 40 words it is right about 99 times in 100; a text of less than 20 letters counts as English, if its
 * letters are Latin.
 */
export function detectLanguage(text: string): string {
  const begin = text.slice(0, 5 * sample);
  const letters = begin.replaceAll(isAscii.test(begin) ? /[^A-Za-z]+/g : /[^\p{L}\p{M}]+/gu, ' ').trim();
  if (letters.length < leastLetters) return byScript(letters);
  const middle = Math.max(0, Math.floor((letters.length - sample) / 2));
  const sampled = letters.slice(middle, middle + sample);
  const ranked = rankLatin(sampled) ?? francAll(sampled, options);
  if (ranked.some(([code, closeness]) => code === 'eng' && closeness >= closeToEnglish)) return 'en';
  return iso639[ranked[0]?.[0] ?? 'und'] ?? 'und';
}

function byScript(letters: string): string {
  if (/[\p{sc=Hiragana}\p{sc=Katakana}]/u.test(letters)) return 'ja';
  if (/\p{sc=Han}/u.test(letters)) return 'zh';
  if (/\p{sc=Hangul}/u.test(letters)) return 'ko';
  if (/\p{sc=Thai}/u.test(letters)) return 'th';
  return /^[\p{sc=Latin}\s]*$/u.test(letters) ? 'en' : 'und';
}
