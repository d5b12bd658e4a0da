import { expect, test } from '@jest/globals';
import { ClusteredVectors, defaultShape } from '../../bench/data/clustered-vectors.ts';
import { seededRandom } from '../../bench/data/seeded-random.ts';
import { ZipfText } from '../../bench/data/zipf-text.ts';

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('the same seed draws the same numbers, another one others', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 5 }, () => random.uniform());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const random = seededRandom(1);
  const normal = Array.from({ length: 20_000 }, () => random.normal());
  expect(Math.abs(mean(normal))).toBeLessThan(0.03);
  expect(mean(normal.map((value) => value * value))).toBeCloseTo(1, 1);
});

test('chunks of a document and documents of a topic are as similar as the shape says', () => {
  const vectors = new ClusteredVectors(3, { ...defaultShape, topics: 1 });
  const documents = Array.from({ length: 60 }, () => vectors.document().centre);
  const chunks = documents.map((centre) => [vectors.chunk(centre), vectors.chunk(centre)] as const);
  for (const [chunk] of chunks) expect(Math.hypot(...chunk)).toBeCloseTo(1, 5);
  expect(mean(chunks.map(([one, two]) => cosine(one, two)))).toBeCloseTo(defaultShape.documentCosine, 1);
  expect(mean(chunks.slice(1).map(([one], i) => cosine(one, chunks[i]![0])))).toBeCloseTo(defaultShape.topicCosine, 1);
});

test('text repeats its common words and keeps to its topic', () => {
  const text = new ZipfText(5);
  const words = text.passage(3, 5000).split(' ');
  expect(words).toHaveLength(5000);
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const [first = 0, ...rest] = [...counts.values()].toSorted((a, b) => b - a);
  expect(first).toBeGreaterThan(100);
  expect(rest.filter((count) => count === 1).length).toBeGreaterThan(500);
  expect(new ZipfText(5).question(3)).toBe(new ZipfText(5).question(3));
});
