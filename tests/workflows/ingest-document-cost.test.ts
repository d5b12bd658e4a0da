import { describe, expect, jest, test } from '@jest/globals';
import { v7 } from 'uuid';
import { retryDocuments } from '../../entities/documents/retry-documents.ts';
import { deleteDocument } from '../../entities/documents/document-repository.ts';
import { until } from '../support/until.ts';
import { ingestHarness, markdownBytes, type Key } from '../support/workspaces/ingest-harness.ts';

jest.setTimeout(120_000);
const h = ingestHarness();

const paidTexts = () =>
  h.provider
    .log()
    .filter((call) => call.outcome === 'finished')
    .reduce((sum, call) => sum + call.texts, 0);
const chunksOf = async (key: Key) => (await h.workspace.document(key.documentId)).latest?.expected_chunks ?? 0;
const kept = async (table: 'embedding_cache' | 'embedding_claims') => {
  const [row] = await h.workspace.query<{ count: number }>(`select count(*)::int as count from ${table}`, []);
  return row!.count;
};

async function retry(key: Key): Promise<Key> {
  const { documents, jobId } = await h.database.inWorkspace(h.workspace.workspaceId, (em) =>
    retryDocuments(em, {
      workspaceId: h.workspace.workspaceId,
      jobId: v7(),
      select: { documentId: key.documentId },
    }),
  );
  return { ...documents[0]!, jobId };
}

describe('a vector that was paid for', () => {
  test('R10: the same file twice, one after the other: one bill, two documents', async () => {
    const first = await h.ingest(markdownBytes(4));
    const calls = h.provider.log().length;
    const second = await h.ingest(markdownBytes(4));
    expect(second.documentId).not.toBe(first.documentId);
    await h.expectServed(first);
    await h.expectServed(second);
    expect(h.provider.log()).toHaveLength(calls);
    expect(paidTexts()).toBe(await chunksOf(first));
  });

  test('R10: the same file twice at the same time: one bill, two documents', async () => {
    h.provider.control({ default: { firstTokenMs: 150 } });
    const keys = [await h.accept(markdownBytes(6)), await h.accept(markdownBytes(6))];
    await Promise.all(keys.map((key) => h.start(key)));
    await Promise.all(keys.map((key) => h.ended(key)));
    for (const key of keys) await h.expectServed(key);
    expect(paidTexts()).toBe(await chunksOf(keys[0]!));
    expect(await kept('embedding_claims')).toBe(0);
  });

  test('a text that a document repeats is embedded once', async () => {
    const line = 'The same sentence stands here again, in every paragraph of this document, word for word. ';
    const key = await h.ingest({ bytes: Buffer.from(`${line.repeat(3)}\n\n`.repeat(40)) });
    await h.expectServed(key);
    expect(paidTexts()).toBeLessThan(await chunksOf(key));
  });

  test('a new version pays for what changed alone', async () => {
    await h.ingest({ ...markdownBytes(8), sourcePath: 'a.md' });
    const before = paidTexts();
    const text = markdownBytes(8).bytes.toString().replace('# Section 7', '# Section seven');
    const second = await h.ingest({ bytes: Buffer.from(text), sourcePath: 'a.md' });
    await h.expectServed(second);
    expect(paidTexts() - before).toBeGreaterThan(0);
    expect(paidTexts() - before).toBeLessThan(before / 2);
  });

  test('R8: a failed ingestion that is retried pays for no stored chunk again', async () => {
    const key = await h.accept(markdownBytes(6));
    let calls = 0;
    const refuse = { on: 'embeddings', failure: { kind: 'status', status: 401 } } as const;
    h.provider.control({
      script: Array.from({ length: 3 }, () => (++calls === 3 ? refuse : { on: 'embeddings' as const })),
    });
    await h.start(key);
    expect(await h.ended(key)).toEqual({ state: 'failed', chunks: 0 });
    expect(await h.workspace.stored(key.documentId)).toMatchObject({ chunks: 0, embeddings: 0, blobs: 1 });
    const paidBefore = paidTexts();
    expect(paidBefore).toBe(16);
    expect(await kept('embedding_cache')).toBe(paidBefore);
    const again = await retry(key);
    await h.start(again);
    await h.ended(again);
    await h.expectServed(again);
    expect(paidTexts()).toBe(await chunksOf(again));
    expect([await kept('embedding_cache'), await kept('embedding_claims')]).toEqual([0, 0]);
    expect(await h.workspace.stored(key.documentId)).toMatchObject({ blobs: 1 });
  });

  test('R6: goes with the document: 0 vectors, 0 kept ones', async () => {
    const served = await h.ingest(markdownBytes(3, 'xylophone'));
    h.provider.control({ script: [{}, { failure: { kind: 'status', status: 401 } }] });
    const failed = await h.accept(markdownBytes(4, 'marimba'));
    await h.start(failed);
    await h.ended(failed);
    expect(await kept('embedding_cache')).toBeGreaterThan(0);
    for (const { documentId } of [served, failed]) {
      await h.database.inWorkspace(h.workspace.workspaceId, (em) =>
        deleteDocument(em, { workspaceId: h.workspace.workspaceId, documentId }),
      );
      expect(await h.workspace.stored(documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 0, contents: 0 });
    }
    expect(await kept('embedding_cache')).toBe(0);
  });

  test('a claim of an ingestion that died is waited for no longer than it is valid', async () => {
    h.provider.control({ script: [{ firstTokenMs: 60_000 }] });
    const dead = await h.start(await h.accept(markdownBytes(1)));
    await h.called();
    await h.handle(dead).terminate('an operator');
    await until(async () => (await kept('embedding_claims')) > 0, { what: 'the claim' });
    await h.workspace.query(`update embedding_claims set expires_at = now() - interval '1 second'`, []);
    const alive = await h.ingest(markdownBytes(1));
    await h.expectServed(alive);
    expect(await kept('embedding_claims')).toBe(0);
  });
});

describe('the limits of a model', () => {
  /** Starts of calls, in milliseconds from the first. */
  const starts = () => {
    const times = h.provider.log().map((call) => call.startedAt);
    return times.map((time) => time - times[0]!).toSorted((a, b) => a - b);
  };
  const limit = (limits: Record<string, number>) =>
    h.workspace.query(`update models set capabilities = capabilities || $1::jsonb where id = $2`, [
      JSON.stringify(limits),
      h.workspace.modelId,
    ]);

  test('R8: requests per minute hold across ingestions that run at once', async () => {
    // A tenth at once, the rest evenly: 6 calls, then one every 109 ms.
    await limit({ requestsPerMinute: 600 });
    const keys = await Promise.all(['a', 'b', 'c'].map((mark) => h.accept(markdownBytes(16, mark))));
    await Promise.all(keys.map((key) => h.start(key)));
    for (const key of keys) expect(await h.ended(key)).toMatchObject({ state: 'active' });
    const times = starts();
    expect(times.length).toBeGreaterThan(20);
    const everyMs = 60_000 / (600 - 60 + 1);
    for (const [index, time] of times.entries()) {
      const inWindow = times.filter((other) => other >= time && other < time + 1000).length;
      // Network and timers move a call by some milliseconds.
      expect(inWindow).toBeLessThanOrEqual(60 + 1000 / everyMs + 2);
      if (index >= 61) expect(time - times[index - 61]!).toBeGreaterThan(0);
    }
  });

  test('R8: tokens per minute hold, and what was not used is given back', async () => {
    await limit({ tokensPerMinute: 30_000 });
    const key = await h.ingest(markdownBytes(16));
    await h.expectServed(key);
    const log = h.provider.log();
    const tokens = log.reduce((sum, call) => sum + (call.promptTokens ?? 0), 0);
    const elapsed = Math.max(...starts());
    // A tenth at once, what goes beyond it at 27,001 tokens a minute; the last call's own tokens are still to come.
    const waitedFor = tokens - 3000 - log.at(-1)!.promptTokens;
    expect(waitedFor).toBeGreaterThan(500);
    expect(elapsed).toBeGreaterThanOrEqual((waitedFor / 27_001) * 60_000 * 0.95);
  });

  test('R8, R36: a 429 holds back every ingestion until its Retry-After is over', async () => {
    const refuse = {
      on: 'embeddings',
      failure: { kind: 'status', status: 429, headers: { 'retry-after': '2' } },
    } as const;
    h.provider.control({ script: [refuse] });
    const first = await h.start(await h.accept(markdownBytes(2, 'a')));
    await until(async () => h.provider.log().some((call) => call.outcome === 'failed'), { what: 'the refusal' });
    const second = await h.start(await h.accept(markdownBytes(2, 'b')));
    for (const key of [first, second]) expect(await h.ended(key)).toMatchObject({ state: 'active' });
    const [refused, ...later] = h.provider.log();
    for (const call of later) expect(call.startedAt - refused!.startedAt).toBeGreaterThanOrEqual(1990);
  });

  test('a long pause that the provider asks for is left to Temporal, not to a slot', async () => {
    await h.database.autocommit((em) =>
      em.execute(`select block_model_calls('${h.workspace.workspaceId}', '${h.workspace.modelId}', 3600000)`),
    );
    const visits = watchVisits();
    const key = await h.start(await h.accept(markdownBytes(1)));
    await until(async () => visits[0]?.again, { what: 'the step giving its slot back' });
    expect(visits[0]!.again!.afterMs).toBeGreaterThan(60_000);
    expect(h.provider.log()).toEqual([]);
    await h.handle(key).cancel();
    expect(await h.ended(key)).toEqual({ state: 'cancelled', chunks: 0 });
  });

  test('R8: what waits for its turn holds no slot, and nobody is served twice while another waits', async () => {
    // Three at once, of which batches may have two, then one every 2.1 s.
    await limit({ requestsPerMinute: 30 });
    const visits = watchVisits();
    const keys = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((mark) => h.accept(markdownBytes(1, mark))));
    await Promise.all(keys.map((key) => h.start(key)));
    for (const key of keys) expect(await h.ended(key)).toMatchObject({ state: 'active' });
    const times = starts();
    expect(times.at(-1)!).toBeGreaterThan(4000);
    expect(visits.filter(({ again }) => again).length).toBeGreaterThanOrEqual(2);
    // A wait of up to a second is not worth a timer.
    for (const { ms } of visits) expect(ms).toBeLessThan(2500);
    const usage = await h.workspace.query<{ attempt: number }>(
      `select attempt from usage_metrics where entity_type = 'document'`,
      [],
    );
    expect(usage).toHaveLength(times.length);
    for (const { attempt } of usage) expect(attempt).toBe(1);
    for (const key of keys) await h.expectServed(key);
  });

  test('R8: who waits for a vector that another pays for holds no slot either, and pays nothing', async () => {
    const texts = markdownBytes(2);
    h.provider.control({ script: [{ firstTokenMs: 4000 }] });
    const visits = watchVisits();
    const first = await h.start(await h.accept(texts));
    await h.called();
    const second = await h.start(await h.accept(texts));
    await until(async () => visits.find(({ again }) => again?.looks === 1), { what: 'the step giving its slot back' });
    for (const key of [first, second]) expect(await h.ended(key)).toMatchObject({ state: 'active' });
    for (const key of [first, second]) await h.expectServed(key);
    expect(paidTexts()).toBe(await chunksOf(first));
  });

  /** How long each step of embedding was at work, and what it ended with. */
  function watchVisits() {
    const visits: { ms: number; again?: { afterMs: number; looks: number } }[] = [];
    h.worker.around = async (name, run) => {
      const startedAt = performance.now();
      const result = await run();
      if (name === 'embedChunks') visits.push({ ...(result as object), ms: performance.now() - startedAt });
      return result;
    };
    return visits;
  }
});
