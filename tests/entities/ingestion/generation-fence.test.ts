import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { insertChunks } from '../../../entities/documents/document-chunk-repository.ts';
import {
  failGeneration,
  finishChunking,
  holdGeneration,
  takeOverGeneration,
} from '../../../entities/documents/document-generation-repository.ts';
import { deleteDocument, readDocumentContent } from '../../../entities/documents/document-repository.ts';
import {
  forgetUsageOfEnded,
  settleEmbeddingUsage,
  startEmbeddingUsage,
} from '../../../entities/usage/embedding-usage-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { seededRandom } from '../../domain/chunking/seeded-text.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import {
  cancelledEnd,
  createGenerationWriter,
  failedEnd,
  writtenChunk,
  writtenVector,
} from '../../support/workspaces/generation-writer.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

const rows = testDatabase();
let database: Database;
let workspace: IngestWorkspace;
let writer: ReturnType<typeof createGenerationWriter>;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 16 }, 'test');
  workspace = await createIngestWorkspace(database);
  writer = createGenerationWriter(database, workspace);
});
afterAll(() => database?.close());

describe('a generation', () => {
  test('is stored as it was sent, vectors bit by bit, and published', async () => {
    const run = await writer.accepted();
    await writer.complete(run);
    expect(await writer.publish(run)).toEqual({ state: 'active', chunks: 3, superseded: false });
    expect(await writer.publish(run)).toEqual({ state: 'active', chunks: 3, superseded: false });
    const stored = await workspace.query<{
      chunk_index: number;
      embedding: string;
      metadata: unknown;
      content: string;
    }>(
      `select c.chunk_index, c.content, c.metadata, e.embedding::text as embedding
       from document_chunks c join chunk_embeddings e using (workspace_id, document_id, generation, chunk_index)
       where c.document_id = $1 order by c.chunk_index`,
      [run.documentId],
    );
    expect(stored.map((row) => Float32Array.from(JSON.parse(row.embedding) as number[]))).toEqual(
      [0, 1, 2].map(writtenVector),
    );
    expect(stored[1]).toMatchObject({ content: 'chunk 1 ', metadata: { headings: ['A "quoted" heading', 'Ü'] } });
    expect(await workspace.document(run.documentId)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      latest: { state: 'active', stage: 'done', embedded_chunks: 3, expected_chunks: 3, characters: 24 },
    });
    const content = await writer.inWorkspace((em) => readDocumentContent(em, run.documentId));
    expect(content).toEqual({ content: 'chunk 0 chunk 1 chunk 2 ', generation: 1, mime_type: 'text/plain' });
  });

  test('is not published while a chunk or a vector is missing', async () => {
    const run = await writer.accepted();
    await writer.inWorkspace((em) => takeOverGeneration(em, run));
    expect(await writer.publish(run)).toMatchObject({ state: 'incomplete', expected: -1 });
    await writer.inWorkspace(async (em) => {
      await insertChunks(em, run, [writtenChunk(0), writtenChunk(1)]);
      await finishChunking(em, run, 2);
    });
    await writer.embed(run, 0, 1);
    expect(await writer.publish(run)).toEqual({ state: 'incomplete', expected: 2, chunks: 2, embeddings: 1 });
    expect(await workspace.document(run.documentId)).toMatchObject({ status: 'processing', active_generation: null });
    expect(await writer.embed(run, 0, 2)).toBe(1);
    expect(await writer.publish(run)).toMatchObject({ state: 'active', chunks: 2 });
  });

  test('lets two lanes count up progress at once without waiting for each other in a circle', async () => {
    const run = await writer.accepted();
    await writer.inWorkspace((em) => takeOverGeneration(em, run));
    await writer.inWorkspace(async (em) => {
      await insertChunks(
        em,
        run,
        Array.from({ length: 64 }, (_, index) => writtenChunk(index)),
      );
      await finishChunking(em, run, 64);
    });
    await Promise.all(Array.from({ length: 32 }, (_, lane) => writer.embed(run, lane * 2, lane * 2 + 2)));
    expect(await workspace.document(run.documentId)).toMatchObject({ latest: { embedded_chunks: 64 } });
    // The same ranges again, as after a crash: nothing is stored or counted twice.
    await Promise.all(Array.from({ length: 32 }, (_, lane) => writer.embed(run, lane * 2, lane * 2 + 2)));
    expect(await workspace.document(run.documentId)).toMatchObject({ latest: { embedded_chunks: 64 } });
    expect(await workspace.stored(run.documentId)).toMatchObject({ chunks: 64, embeddings: 64 });
  });
});

describe('the fence', () => {
  test('keeps a write that began first, makes the takeover wait for it, and refuses the writes after it', async () => {
    const run = await writer.accepted();
    await writer.inWorkspace((em) => takeOverGeneration(em, run));
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const order: string[] = [];
    let holds = () => {};
    const holding = new Promise<void>((resolve) => (holds = resolve));
    const written = writer.inWorkspace(async (em) => {
      expect(await holdGeneration(em, run)).toBe(true);
      holds();
      await released;
      await insertChunks(em, run, [writtenChunk(0)]);
      order.push('write');
    });
    await holding;
    const takeover = writer
      .inWorkspace((em) => takeOverGeneration(em, { ...run, runId: 'run 2', runStartedAt: new Date(2000) }))
      .then((taken) => {
        order.push('takeover');
        return taken;
      });
    await waitForLock();
    release();
    await written;
    expect(await takeover).toMatchObject({ state: 'staging' });
    expect(order).toEqual(['write', 'takeover']);
    // The takeover saw the half-stored chunk and deleted it; the earlier run can write nothing more.
    expect(await workspace.stored(run.documentId)).toMatchObject({ chunks: 0 });
    expect(await writer.inWorkspace((em) => holdGeneration(em, run))).toBe(false);
    expect(await writer.inWorkspace((em) => failGeneration(em, run, failedEnd))).toBe('fenced');
    expect(await writer.inWorkspace((em) => takeOverGeneration(em, run))).toMatchObject({ state: 'fenced' });
    expect(await writer.publish(run)).toEqual({ state: 'fenced' });
  });

  test('R3, R4: a delete during an ingest is final in each of 1,000 random interleavings', async () => {
    const random = seededRandom(4);
    const rounds = Array.from({ length: 1000 }, (_, round) => ({ round, pause: random() * 25 }));
    const nothing = { chunks: 0, embeddings: 0, blobs: 0, contents: 0 };
    let interrupted = 0;
    async function lane(): Promise<void> {
      for (let next = rounds.pop(); next; next = rounds.pop()) {
        const run = await writer.accepted(`delete-${next.round}.md`, `text ${next.round}`);
        const ingest = writer.complete(run).then(
          () => writer.publish(run),
          () => null,
        );
        await new Promise((resolve) => setTimeout(resolve, next.pause));
        const deleted = await writer.inWorkspace((em) => deleteDocument(em, run));
        const atDelete = await workspace.stored(run.documentId);
        const end = await ingest;
        const afterwards = await workspace.stored(run.documentId);
        expect([deleted.deleted, atDelete, afterwards]).toEqual([true, nothing, nothing]);
        if (end?.state !== 'active') interrupted += 1;
      }
    }
    await Promise.all(Array.from({ length: 8 }, lane));
    // A delete that always came after the end, or always before the begin, would have tested nothing.
    expect(interrupted).toBeGreaterThan(100);
  }, 180_000);

  test('after a delete every later step of the ingest is refused', async () => {
    const run = await writer.accepted();
    await writer.complete(run);
    expect(await writer.inWorkspace((em) => deleteDocument(em, run))).toMatchObject({ deleted: true });
    expect(await writer.embed(run, 0, 3)).toBe(-1);
    expect(await writer.publish(run)).toEqual({ state: 'abandoned' });
    expect(await writer.inWorkspace((em) => failGeneration(em, run, failedEnd))).toBe('abandoned');
    expect(await writer.inWorkspace((em) => takeOverGeneration(em, run))).toMatchObject({ state: 'abandoned' });
    expect(await writer.inWorkspace((em) => deleteDocument(em, run))).toEqual({ deleted: false, abandoned: [] });
  });

  test('a delete during a paid call leaves its bill open to a late figure, and unknown without one', async () => {
    const run = await writer.accepted();
    const bill = () => workspace.query(`select state, prompt_tokens from usage_metrics where id = $1`, [callId]);
    const callId = randomUUID();
    await writer.inWorkspace((em) =>
      startEmbeddingUsage(em, { ...run, modelId: workspace.modelId, callId, step: 0, attempt: 1, pricing: {} }),
    );
    await writer.inWorkspace((em) => deleteDocument(em, run));
    expect(await bill()).toEqual([{ state: 'unknown', prompt_tokens: null }]);
    await writer.inWorkspace((em) => settleEmbeddingUsage(em, callId, 7));
    expect(await bill()).toEqual([{ state: 'settled', prompt_tokens: 7 }]);
  });

  test('R8: the late end of a generation gives up its own calls, and none of the next one', async () => {
    const note = async (step: number) => {
      const run = await writer.accepted('twice.md', `text ${step}`);
      const callId = randomUUID();
      const call = { ...run, modelId: workspace.modelId, callId, step, attempt: 1, pricing: {} };
      await writer.inWorkspace((em) => startEmbeddingUsage(em, call));
      return run;
    };
    const first = await note(0);
    const second = await note(1);
    expect([first.generation, second.generation]).toEqual([1, 2]);
    const states = () =>
      workspace.query(`select step, state from usage_metrics where entity_id = $1 order by step`, [first.documentId]);
    await writer.inWorkspace((em) => forgetUsageOfEnded(em, [first]));
    expect(await states()).toEqual([
      { step: 0, state: 'unknown' },
      { step: 1, state: 'started' },
    ]);
    await writer.inWorkspace((em) => forgetUsageOfEnded(em, [second]));
    expect((await states())[1]).toEqual({ step: 1, state: 'unknown' });
  });

  test('R8: a generation that ends after the next one gives up what it noted meanwhile', async () => {
    const first = await writer.accepted('overtaken.md', 'text 1');
    const second = await writer.accepted('overtaken.md', 'text 2');
    const callId = randomUUID();
    const call = { ...first, modelId: workspace.modelId, callId, step: 0, attempt: 1, pricing: {} };
    await writer.inWorkspace((em) => failGeneration(em, second, failedEnd));
    await writer.inWorkspace((em) => startEmbeddingUsage(em, call));
    await writer.inWorkspace((em) => forgetUsageOfEnded(em, [first]));
    expect(await workspace.query(`select state from usage_metrics where id = $1`, [callId])).toEqual([
      { state: 'unknown' },
    ]);
  });

  test('a deleted path is free for a new document', async () => {
    const run = await writer.accepted('again.md');
    await writer.inWorkspace((em) => deleteDocument(em, run));
    const next = await writer.accepted('again.md');
    expect(next.documentId).not.toBe(run.documentId);
    expect(next.generation).toBe(1);
  });
});

describe('generations of one document', () => {
  test('the highest one wins, in whatever order they finish', async () => {
    const first = await writer.accepted('order.md', 'one');
    const second = await writer.accepted('order.md', 'two');
    const third = await writer.accepted('order.md', 'three');
    await writer.complete(first);
    await writer.complete(third);
    await writer.complete(second);
    expect(await writer.publish(first)).toMatchObject({ state: 'active' });
    expect(await workspace.document(first.documentId)).toMatchObject({ status: 'processing', active_generation: 1 });
    expect(await writer.publish(third)).toEqual({ state: 'active', chunks: 3, superseded: true });
    expect(await writer.publish(second)).toEqual({ state: 'abandoned' });
    expect(await workspace.generations(first.documentId)).toMatchObject([
      { generation: 1, state: 'abandoned', error: null },
      { generation: 2, state: 'abandoned', error: { code: 'fenced' } },
      { generation: 3, state: 'active', error: null },
    ]);
    expect(await workspace.document(first.documentId)).toMatchObject({ status: 'ready', active_generation: 3 });
  });

  test('a failed one falls back to the one that was served, and says why', async () => {
    const first = await writer.accepted('fallback.md', 'one');
    await writer.complete(first);
    await writer.publish(first);
    const second = await writer.accepted('fallback.md', 'two');
    await writer.complete(second);
    expect(await writer.inWorkspace((em) => failGeneration(em, second, failedEnd))).toBe('failed');
    expect(await writer.inWorkspace((em) => failGeneration(em, second, failedEnd))).toBe('failed');
    expect(await workspace.document(first.documentId)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      error: failedEnd.error,
      latest: { generation: 2, state: 'failed', error: failedEnd.error },
    });
    expect(await workspace.stored(first.documentId)).toMatchObject({ chunks: 3, embeddings: 3 });
  });

  test('R1, R31: one that is published after a newer one has failed leaves the document ready, not in work', async () => {
    const first = await writer.accepted('late.txt', 'one');
    const second = await writer.accepted('late.txt', 'two');
    await writer.complete(first);
    await writer.inWorkspace((em) => takeOverGeneration(em, second));
    expect(await writer.inWorkspace((em) => failGeneration(em, second, failedEnd))).toBe('failed');
    expect(await workspace.document(first.documentId)).toMatchObject({ status: 'processing' });
    expect(await writer.publish(first)).toMatchObject({ state: 'active' });
    expect(await workspace.document(first.documentId)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      error: failedEnd.error,
    });
  });

  test('a cancelled first one leaves a cancelled document with its bytes for a retry, and nothing else', async () => {
    const run = await writer.accepted();
    await writer.complete(run);
    expect(await writer.inWorkspace((em) => failGeneration(em, run, cancelledEnd))).toBe('abandoned');
    expect(await workspace.document(run.documentId)).toMatchObject({
      status: 'cancelled',
      error: { code: 'cancelled' },
    });
    expect(await workspace.stored(run.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 1, contents: 0 });
  });
});

/** Waits until some statement waits for a lock. */
async function waitForLock(): Promise<void> {
  for (let round = 0; round < 500; round += 1) {
    const waiting = await database.asOperator((em) => em.execute(`select 1 from pg_locks where not granted`));
    if (waiting.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('Nothing waited for a lock');
}
