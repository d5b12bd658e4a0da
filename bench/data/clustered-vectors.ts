import { seededRandom } from './seeded-random.ts';
import type { SeededRandom } from './seeded-random.ts';

/** How similar generated vectors are; the defaults resemble the chunks of real documents (see docs/benchmarks.md). */
export interface ClusterShape {
  dimensions: number;
  topics: number;
  /** Expected cosine between two documents of a topic. */
  topicCosine: number;
  /** Expected cosine between two chunks of a document. */
  documentCosine: number;
}

export const defaultShape: ClusterShape = { dimensions: 384, topics: 200, topicCosine: 0.35, documentCosine: 0.6 };

/** Draws unit vectors in two levels: topics, documents around their topic, chunks around their document. */
export class ClusteredVectors {
  readonly shape: ClusterShape;
  readonly #topics: Float32Array[];
  #random: SeededRandom;

  constructor(seed: number, shape: ClusterShape = defaultShape) {
    this.shape = shape;
    this.#random = seededRandom(seed);
    this.#topics = Array.from({ length: shape.topics }, () => this.#direction());
  }

  /** Goes on with other draws around the same topics. */
  reseed(seed: number): this {
    this.#random = seededRandom(seed);
    return this;
  }

  /** A document's centre: its topic's number and a vector that `chunk` varies. */
  document(): { topic: number; centre: Float32Array } {
    const topic = this.#random.below(this.shape.topics);
    const { topicCosine, documentCosine } = this.shape;
    return { topic, centre: this.#near(this.#topics[topic]!, topicCosine / documentCosine) };
  }

  /** A unit vector near a document's centre; held-out queries are drawn in the same way and never stored. */
  chunk(centre: Float32Array): Float32Array {
    return this.#near(centre, this.shape.documentCosine);
  }

  // Two unit vectors that each keep the share √s of the same direction have the expected cosine s.
  #near(direction: Float32Array, share: number): Float32Array {
    const noise = this.#direction();
    const keep = Math.sqrt(share);
    const rest = Math.sqrt(1 - share);
    return normalize(noise.map((value, i) => keep * direction[i]! + rest * value));
  }

  #direction(): Float32Array {
    return normalize(Float32Array.from({ length: this.shape.dimensions }, () => this.#random.normal()));
  }
}

function normalize(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum);
  return vector.map((value) => value / length);
}
