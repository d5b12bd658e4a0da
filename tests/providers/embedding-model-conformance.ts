import { describe, expect, test } from '@jest/globals';

import type { EmbeddingModel } from '../../providers/embedding-model.ts';

/** An adapter under test; without HTTP, `requests` counts nothing and says null. */
export interface EmbeddingModelSubject {
  model(): EmbeddingModel;
  requests(): number | null;
}

const texts = [
  'A kite flies because the wind lifts it.',
  'Kites rise in the wind.',
  'The invoice is due on Friday.',
  'Über Straßen, 日本語 and 👩‍👩‍👧: not only ASCII.',
  '',
];

/** Declares what every embedding adapter promises by the port. */
export function describeEmbeddingModel(name: string, subject: EmbeddingModelSubject): void {
  describe(`${name} as an embedding model`, () => {
    test('gives one vector per text, in order, of the promised length and kind', async () => {
      const model = subject.model();
      const { vectors, usage } = await model.embed(texts);
      expect(vectors).toHaveLength(texts.length);
      for (const vector of vectors) {
        // One that another thread has sent is of another realm here.
        expect(Object.prototype.toString.call(vector)).toBe('[object Float32Array]');
        expect(vector).toHaveLength(model.dimensions);
        if (model.normalized) expect(norm(vector)).toBeCloseTo(1, 5);
      }
      expect(usage.promptTokens === null || Number.isInteger(usage.promptTokens)).toBe(true);
    });

    test('gives a text the same vector alone, again, and in any company', async () => {
      const model = subject.model();
      const { vectors } = await model.embed(texts);
      const turned = await model.embed(texts.toReversed());
      for (const [index, text] of texts.entries()) {
        const alone = await model.embed([text], { priority: 'query' });
        expect(alone.vectors[0]).toEqual(vectors[index]);
        expect(turned.vectors[texts.length - 1 - index]).toEqual(vectors[index]);
      }
    });

    test('puts what means the same nearer than what does not', async () => {
      const [kite, kites, invoice] = (await subject.model().embed(texts)).vectors;
      expect(dot(kite, kites)).toBeGreaterThan(dot(kite, invoice) + 0.05);
    });

    test('asks nobody for no texts', async () => {
      const before = subject.requests();
      expect((await subject.model().embed([])).vectors).toEqual([]);
      expect(subject.requests()).toBe(before);
    });

    test('makes one request per call', async () => {
      const before = subject.requests();
      await subject.model().embed(texts);
      expect(subject.requests()).toBe(before === null ? null : before + 1);
    });

    test('throws the reason itself when the signal aborts, before or during the call', async () => {
      const reason = new Error('changed my mind');
      const model = subject.model();
      await expect(model.embed(texts, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const controller = new AbortController();
      const call = model.embed(
        Array.from({ length: 64 }, (_, index) => `Text ${index} of many. `.repeat(50)),
        {
          signal: controller.signal,
        },
      );
      setImmediate(() => controller.abort(reason));
      await expect(call).rejects.toBe(reason);
      expect((await model.embed(['still here'])).vectors).toHaveLength(1);
    });

    test('counts as many tokens as it gives offsets, which ascend and cover every visible character', () => {
      const model = subject.model();
      for (const text of texts) {
        const { starts, ends } = model.tokenOffsets(text);
        expect(model.countTokens(text)).toBe(starts.length);
        expect(ends).toHaveLength(starts.length);
        const covered = new Set<number>();
        for (const [index, start] of starts.entries()) {
          const end = ends[index] ?? 0;
          expect(start).toBeGreaterThanOrEqual(ends[index - 1] ?? 0);
          expect(end).toBeGreaterThanOrEqual(start);
          for (let unit = start; unit < end; unit += 1) covered.add(unit);
        }
        for (const { index } of text.matchAll(/[^\s]/g)) expect(covered).toContain(index);
      }
    });
  });
}

function dot(left: Float32Array | undefined, right: Float32Array | undefined): number {
  return (left ?? new Float32Array()).reduce((sum, value, index) => sum + value * (right?.[index] ?? Number.NaN), 0);
}

function norm(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector));
}
