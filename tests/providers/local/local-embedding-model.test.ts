import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { createLocalEmbeddingModel } from '../../../providers/local/local-embedding-model.ts';
import { testServers } from '../../support/servers/test-servers.ts';

const fixture = JSON.parse(readFileSync(new URL('../../fixtures/all-minilm-l6-v2.json', import.meta.url), 'utf8')) as {
  embedded: { text: string; vector: number[] }[];
};
const longText = 'Every step of the work is durable and may be run again as a whole. '.repeat(40);

describe('the local embedding model', () => {
  const model = createLocalEmbeddingModel({ modelDirectory: testServers().modelDirectory });
  afterAll(() => model.close());

  test.each(fixture.embedded.map(({ text, vector }) => ({ name: JSON.stringify(text.slice(0, 40)), text, vector })))(
    'agrees with the fp32 weights on $name',
    async ({ text, vector }) => {
      const [own] = (await model.embed([text])).vectors;
      const cosine = vector.reduce((sum, value, index) => sum + value * (own?.[index] ?? Number.NaN), 0);
      // Two markers alone, as for the empty text, are the worst case of int8 weights.
      expect(cosine).toBeGreaterThan(text === '' ? 0.995 : 0.999);
    },
  );

  test('reads no more than 256 tokens, markers included, and counts them', async () => {
    const { vectors, usage } = await model.embed([longText, `${longText} What follows does not matter.`]);
    expect(vectors[1]).toEqual(vectors[0]);
    expect(usage.promptTokens).toBe(2 * 256);
  });

  test('answers a query before the rest of a batch, and leaves the event loop free meanwhile', async () => {
    await model.embed(['warm']);
    let batchDone = false;
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    const batch = model.embed(Array.from({ length: 24 }, () => longText)).then(() => (batchDone = true));
    await model.embed(['what is durable?'], { priority: 'query' });
    const wasBatchDone = batchDone;
    await batch;
    clearInterval(timer);
    expect(wasBatchDone).toBe(false);
    expect(ticks).toBeGreaterThan(50);
  });

  test('goes on with the next call at once after an abort', async () => {
    const controller = new AbortController();
    const aborted = model.embed(
      Array.from({ length: 200 }, () => longText),
      { signal: controller.signal },
    );
    const started = performance.now();
    setImmediate(() => controller.abort(new Error('stop')));
    await expect(aborted).rejects.toThrow('stop');
    await model.embed(['next']);
    // 200 such texts take more than ten seconds.
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test('fails the calls that run when it is closed, and all later ones', async () => {
    const closing = createLocalEmbeddingModel({ modelDirectory: testServers().modelDirectory });
    const running = closing.embed([longText]).catch((error: unknown) => error);
    await closing.close();
    expect(await running).toMatchObject({ code: 'unavailable', retryable: false });
    await expect(closing.embed(['later'])).rejects.toMatchObject({ code: 'unavailable', retryable: false });
  });
});

describe('a process that ends while the local model computes', () => {
  const program = new URL('./exit-while-computing.ts', import.meta.url).pathname;

  // Without care the native code aborts the process: exit code null and SIGABRT, at most of these moments.
  test.each([10, 40, 90])('ends with its own exit code when it exits after %i ms', async (delay) => {
    const child = spawn(process.execPath, [program, testServers().modelDirectory, String(delay)], { stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([7, null]);
  });
});

describe('the local embedding model without usable weights', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'perdure-weights-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  test('says what is missing and how to get it, and finds it once it is there', async () => {
    const model = createLocalEmbeddingModel({ modelDirectory: directory });
    const missing = await model.embed(['text']).catch((error: unknown) => error);
    expect(missing).toMatchObject({ code: 'model_not_found', retryable: false });
    expect(String(missing)).toContain(join(directory, 'model.onnx'));
    expect(String(missing)).toContain('npm start');
    await writeFile(join(directory, 'model.onnx'), readFileSync(join(testServers().modelDirectory, 'model.onnx')));
    expect((await model.embed(['text'])).vectors).toHaveLength(1);
    await model.close();
  });

  test('refuses a file with another hash', async () => {
    await writeFile(join(directory, 'model.onnx'), 'not a model');
    const model = createLocalEmbeddingModel({ modelDirectory: directory });
    await expect(model.embed(['text'])).rejects.toMatchObject({ code: 'model_not_found', retryable: false });
    await model.close();
  });
});
