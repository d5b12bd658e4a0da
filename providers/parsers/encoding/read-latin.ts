import { createLatinRanking } from './rank-latin-languages.ts';
import { judgeLetters } from '../../../domain/documents/judge-letters.ts';
import { decodeStrictly } from './detect-charset.ts';

/** A text in an 8-bit charset of Latin letters. */
export interface LatinText {
  readonly charset: string;
  readonly text: string;
}

// Letters beyond ASCII of each language (ISO 639-3), as its readers write it (CLDR's exemplar characters); of English those
// of loanwords.
const alphabets: Readonly<Record<string, string>> = {
  afr: 'áäéèêëíîïóôöúûü', cat: 'àçéèíïóòúü·', ces: 'áčďéěíňóřšťúůýž', dan: 'æøåé', deu: 'äöüß', eng: 'éèêëïöüñçàâ',
  est: 'äöõüšž', fin: 'äöåšž', fra: 'àâæçéèêëîïôœùûüÿ', gle: 'áéíóú', hrv: 'čćđšž', hun: 'áéíóöőúüű', ind: 'é',
  ita: 'àèéìíîòóùú', lit: 'ąčęėįšųūž', lvs: 'āčēģīķļņšūž', nld: 'áäéèëïíóöüú', nob: 'æøåéòôó', pol: 'ąćęłńóśźż',
  por: 'áâãàçéêíóôõúü', ron: 'ăâîșşțţ', slk: 'áäčďéíĺľňóôŕšťúýž', slv: 'čšžćđ', spa: 'áéíóúüñ', swe: 'åäöé',
  tur: 'çğıöşüâîû\u0307',
}; // prettier-ignore
const signs = /[„“”‚‘’‹›«»–—…•·€£§°²³´¨ªº¿¡©®™×\u00A0\u00AD½¼¾µ†]/u;
const charsets = ['windows-1252', 'windows-1250', 'windows-1254', 'windows-1257', 'iso-8859-2', 'iso-8859-15'];
const rank = createLatinRanking(Object.keys(alphabets));
// Measured on cut sentences of eight languages: below these another language may be the text's.
const leastLetters = 24;
const manyLetters = 40;
const longestSample = 2000;
// Statistics of bytes do for more.
const mostBytes = 1024 ** 2;
const closeEnough = 0.86;
const apart = { few: 0.4, many: 0.1 };

/**
 * Reads bytes in the charset in which their letters beyond ASCII are those of the language that the others are in; null if
 * none fits, or several do that differ. A few letters are enough, of which statistics of bytes know nothing.
 */
export function readLatin(bytes: Uint8Array): LatinText | null {
  const ascii = String.fromCharCode(...bytes.subarray(0, 4096))
    .replaceAll(/[^A-Za-z]+/g, ' ')
    .trim();
  if (ascii.length < leastLetters || bytes.length > mostBytes) return null;
  const margin = ascii.length < manyLetters ? apart.few : apart.many;
  const fits = new Map<string, LatinText & { closeness: number }>();
  for (const charset of charsets) {
    const text = decodeStrictly(bytes, charset);
    if (text === null || fits.has(text) || !standsInWords(text)) continue;
    const closeness = closenessOf(text);
    if (closeness > 0) fits.set(text, { charset, text, closeness });
  }
  const [best, second] = [...fits.values()].sort((a, b) => b.closeness - a.closeness);
  if (!best || best.closeness < closeEnough || best.closeness - (second?.closeness ?? 0) < margin) return null;
  return { charset: best.charset, text: best.text };
}

/** How close the closest language comes that has all of the text's letters; 0 if none has. */
function closenessOf(text: string): number {
  const words = text.replaceAll(/[^\p{L}\p{M}]+/gu, ' ').trim();
  const languages = rank(words.slice(0, longestSample)) ?? [];
  const letters = [...new Set(text.toLowerCase().match(/[^\0-\x7F]/gu))].filter((letter) => !signs.test(letter));
  const found = languages.find(([code]) => letters.every((letter) => alphabets[code]?.includes(letter)));
  return found?.[1] ?? 0;
}

/** Letters beyond ASCII are among others, or a small one is a word; never several alone, as those of other scripts are. */
function standsInWords(text: string): boolean {
  const { odd } = judgeLetters(text);
  return (
    odd === 0 &&
    !/(?<!\p{L})(?:[^\0-\x7F\P{L}]{2,}|[^\0-\x7F\P{Lu}])(?!\p{L})/u.test(text.replaceAll(/[\0-\x40]/g, ' '))
  );
}
