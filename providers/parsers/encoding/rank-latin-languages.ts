import { data } from 'franc/data.js';
import { expressions } from 'franc/expressions.js';

/** A language by its ISO 639-3 code, and how close it comes to the closest, which has 1. */
export type RankedLanguage = readonly [code: string, closeness: number];

// franc's own: what a trigram counts that a language does not know.
const unknownTrigram = 300;
const latin = expressions.Latin!;
const isPlain = /^[a-z]+(?: [a-z]+)*$/i;

/** Which languages know a trigram, by their places, and its rank in each. */
type KnownTrigram = { languages: number[]; ranks: number[] };

/**
 * Makes a function that ranks languages as franc does, with franc's own data and to the same figures, if most of the
 * characters of a text are Latin; null for other texts. The text has letters and single spaces alone. It looks each
 * trigram up once instead of once for each language, and takes a fifth of the time.
 */
export function createLatinRanking(only: readonly string[]): (letters: string) => RankedLanguage[] | null {
  const models = Object.entries(data.Latin!).filter(([code]) => only.includes(code));
  const trigrams = new Map<string, KnownTrigram>();
  for (const [language, [, model]] of models.entries()) {
    for (const [rank, trigram] of model.split('|').entries()) {
      const known = trigrams.get(trigram) ?? { languages: [], ranks: [] };
      known.languages.push(language);
      known.ranks.push(rank);
      trigrams.set(trigram, known);
    }
  }
  return (letters) => {
    if (!isPlain.test(letters) && 2 * (letters.match(latin)?.length ?? 0) <= letters.length) return null;
    const counts = countTrigrams(` ${letters.trim().toLowerCase()} `);
    const distances = new Float64Array(models.length).fill(unknownTrigram * counts.size);
    for (const [trigram, count] of counts) {
      const known = trigrams.get(trigram);
      if (known === undefined) continue;
      const { languages, ranks } = known;
      for (let index = 0; index < languages.length; index += 1)
        distances[languages[index]!]! += Math.abs(count - ranks[index]! - 1) - unknownTrigram;
    }
    const closest = Math.min(...distances);
    const furthest = letters.length * unknownTrigram - closest;
    return models
      .map(([code], language): RankedLanguage => [code, 1 - (distances[language]! - closest) / furthest || 0])
      .sort(([, one], [, other]) => other - one);
  };
}

function countTrigrams(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + 3 <= text.length; start += 1) {
    const trigram = text.slice(start, start + 3);
    counts.set(trigram, (counts.get(trigram) ?? 0) + 1);
  }
  return counts;
}
