import { seededRandom } from './seeded-random.ts';
import type { SeededRandom } from './seeded-random.ts';

const syllables =
  'ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri ro ru sa se si so su ta te ti to tu'.split(
    ' ',
  );

/** Words drawn after Zipf's law, a share of them from the topic's own small vocabulary, as prose about a subject has. */
export class ZipfText {
  readonly #random: SeededRandom;
  readonly #words: string[];
  readonly #cumulative: Float64Array;
  readonly #topicWords: number;

  constructor(seed: number, vocabulary = 30_000, topicWords = 60) {
    this.#random = seededRandom(seed);
    this.#words = Array.from({ length: vocabulary }, (_, index) => spell(index));
    this.#topicWords = topicWords;
    this.#cumulative = new Float64Array(vocabulary);
    let sum = 0;
    // Exponent 1 with the offset 2.7 (Mandelbrot 1953): the commonest word is in most chunks, half the words in almost none.
    for (let rank = 0; rank < vocabulary; rank++) this.#cumulative[rank] = sum += 1 / (rank + 2.7);
  }

  /** Prose of so many words; three in ten belong to the topic. */
  passage(topic: number, words: number): string {
    return Array.from({ length: words }, () =>
      this.#random.uniform() < 0.3 ? this.#topicWord(topic) : this.#commonWord(),
    ).join(' ');
  }

  /** The commonest words, the very commonest first. */
  commonest(count: number): string[] {
    return this.#words.slice(0, count);
  }

  /** A question: a few words of the topic among common ones. */
  question(topic: number): string {
    return [
      ...Array.from({ length: 4 }, () => this.#commonWord()),
      ...Array.from({ length: 3 }, () => this.#topicWord(topic)),
    ].join(' ');
  }

  #commonWord(): string {
    const target = this.#random.uniform() * this.#cumulative.at(-1)!;
    let low = 0;
    let high = this.#cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#cumulative[middle]! < target) low = middle + 1;
      else high = middle;
    }
    return this.#words[low]!;
  }

  #topicWord(topic: number): string {
    // Topics overlap: their vocabularies lie 40 apart in the middle of the ranks.
    const start = 500 + topic * 40;
    const rank = Math.floor(this.#topicWords * this.#random.uniform() ** 2);
    return this.#words[(start + rank) % this.#words.length]!;
  }
}

function spell(index: number): string {
  let word = '';
  for (let rest = index + 45; rest > 0; rest = Math.floor(rest / 45)) word += syllables[rest % 45];
  return word;
}
