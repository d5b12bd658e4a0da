import { bertVocabulary } from '../../providers/local/bert-vocabulary.ts';
import { seededRandom } from './seeded-random.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Markdown of English words without sense: headings, paragraphs and lists as in a handbook, words drawn after Zipf's law. */
export class MarkdownText {
  readonly #random: SeededRandom;
  readonly #words: string[];
  readonly #cumulative: Float64Array;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    // The model's own vocabulary lists English words by how common they are.
    this.#words = bertVocabulary().filter((token) => /^[a-z]{2,}$/.test(token));
    this.#cumulative = new Float64Array(this.#words.length);
    let sum = 0;
    // Exponent 1 with the offset 2.7 (Mandelbrot 1953).
    for (let rank = 0; rank < this.#words.length; rank++) this.#cumulative[rank] = sum += 1 / (rank + 2.7);
  }

  /** A document of at least so many characters. */
  document(characters: number): string {
    const parts = [`# ${this.#title()}`];
    for (let length = 0; length < characters;) {
      const part = this.#section();
      parts.push(part);
      length += part.length + 2;
    }
    return `${parts.join('\n\n')}\n`;
  }

  #section(): string {
    const blocks = [`## ${this.#title()}`];
    for (let left = 2 + this.#random.below(4); left > 0; left--) {
      blocks.push(this.#random.uniform() < 0.2 ? this.#list() : this.#paragraph());
    }
    return blocks.join('\n\n');
  }

  #paragraph(): string {
    return Array.from({ length: 3 + this.#random.below(4) }, () => this.#sentence()).join(' ');
  }

  #list(): string {
    return Array.from({ length: 3 + this.#random.below(4) }, () => `- ${this.#sentence()}`).join('\n');
  }

  #sentence(): string {
    const words = Array.from({ length: 6 + this.#random.below(14) }, () => this.#word());
    return `${capitalize(words.join(' '))}.`;
  }

  #title(): string {
    return capitalize(Array.from({ length: 2 + this.#random.below(4) }, () => this.#word()).join(' '));
  }

  #word(): string {
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
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
