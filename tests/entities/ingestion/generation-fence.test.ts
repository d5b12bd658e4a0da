import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { insertEmbeddings, readChunksToEmbed } from '../../../entities/documents/chunk-embedding-repository.ts';
import { insertChunks } from '../../../entities/documents/document-chunk-repository.ts';
import {
  addEmbeddedChunks,
  failGeneration,
  finishChunking,
  holdGeneration,
  publishGeneration,
  storeContent,
  takeOverGeneration,
} from '../../../entities/documents/document-generation-repository.ts';
import { deleteDocument, readDocumentContent } from '../../../entities/documents/document-repository.ts';
import { claimStrayGenerations } from '../../../entities/documents/generation-sweep-repository.ts';
import { settleIngestionJobs } from '../../../entities/documents/ingestion-job-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { seededRandom } from '../../domain/chunking/seeded-text.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

const rows = testDatabase();
let database: Database;
let workspace: IngestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 16 }, 'test');
  workspace = await createIngestWorkspace(database);
});
afterAll(() => database?.close());

type Run = { workspaceId: string; documentId: string; generation: number; runId: string; runStartedAt: Date };

const inWorkspace = <T>(work: Parameters<typeof database.inWorkspace<T>>[1]) =>
  database.inWorkspace(workspace.workspaceId, work);

async function accepted(sourcePath: string | null = null, content = 'text', jobRun = 'run 1'): Promise<Run> {
  const { documents } = await workspace.accept({ bytes: Buffer.from(content), sourcePath });
  const { documentId, generation } = documents[0]!;
  return { workspaceId: workspace.workspaceId, documentId, generation, runId: jobRun, runStartedAt: new Date(1000) };
}

const chunk = (index: number) => ({
  index,
  content: `chunk ${index} `,
  start: index * 8,
  end: index * 8 + 8,
  tokens: 2,
  metadata: { headings: ['A "quoted" heading', 'Ü'] },
});

function vector(seed: number): Float32Array {
  return Float32Array.from({ length: 384 }, (_, index) => Math.sin(seed * 384 + index + 1));
}

/** Writes all rows that publishing needs. */
async function complete(run: Run, chunks = 3): Promise<void> {
  await inWorkspace((em) => takeOverGeneration(em, run));
  await inWorkspace(async (em) => {
    if (!(await holdGeneration(em, run))) throw new Error('fenced');
    await insertChunks(
      em,
      run,
      Array.from({ length: chunks }, (_, index) => chunk(index)),
    );
    const content = 'chunk 0 chunk 1 chunk 2 ';
    await storeContent(em, run, {
      content,
      mimeType: 'text/plain',
      documentType: 'text',
      language: 'en',
      pages: [],
      warnings: [],
      expectedChunks: chunks,
    });
  });
  await embed(run, 0, chunks);
}

async function embed(run: Run, from: number, to: number): Promise<number> {
  return inWorkspace(async (em) => {
    const missing = await readChunksToEmbed(em, run, workspace.modelId, { from, to });
    if (!(await holdGeneration(em, run))) return -1;
    if (missing.length === 0) return 0;
    const stored = await insertEmbeddings(em, run, {
      modelId: workspace.modelId,
      vectorTypeId: missing[0]!.vectorTypeId,
      indexes: missing.map((row) => row.index),
      hashes: missing.map((row) => createHash('sha256').update(row.content).digest()),
      vectors: missing.map((row) => vector(row.index)),
    });
    await addEmbeddedChunks(em, run, stored);
    return stored;
  });
}

const publish = (run: Run) => inWorkspace((em) => publishGeneration(em, run, [workspace.modelId]));
const cancelled = { status: 'cancelled' as const, error: { code: 'cancelled', detail: 'On request.' } };
const failed = { status: 'failed' as const, error: { code: 'document_empty', detail: 'No text.' } };

describe('a generation', () => {
  test('is stored as it was sent, vectors bit by bit, and published', async () => {
    const run = await accepted();
    await complete(run);
    expect(await publish(run)).toEqual({ state: 'active', chunks: 3, superseded: false });
    expect(await publish(run)).toEqual({ state: 'active', chunks: 3, superseded: false });
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
      [0, 1, 2].map(vector),
    );
    expect(stored[1]).toMatchObject({ content: 'chunk 1 ', metadata: { headings: ['A "quoted" heading', 'Ü'] } });
    expect(await workspace.document(run.documentId)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      latest: { state: 'active', stage: 'done', embedded_chunks: 3, expected_chunks: 3, characters: 24 },
    });
    const content = await inWorkspace((em) => readDocumentContent(em, run.documentId));
    expect(content).toEqual({ content: 'chunk 0 chunk 1 chunk 2 ', generation: 1, mime_type: 'text/plain' });
  });

  test('is not published while a chunk or a vector is missing', async () => {
    const run = await accepted();
    await inWorkspace((em) => takeOverGeneration(em, run));
    expect(await publish(run)).toMatchObject({ state: 'incomplete', expected: -1 });
    await inWorkspace(async (em) => {
      await insertChunks(em, run, [chunk(0), chunk(1)]);
      await finishChunking(em, run, 2);
    });
    await embed(run, 0, 1);
    expect(await publish(run)).toEqual({ state: 'incomplete', expected: 2, chunks: 2, embeddings: 1 });
    expect(await workspace.document(run.documentId)).toMatchObject({ status: 'processing', active_generation: null });
    expect(await embed(run, 0, 2)).toBe(1);
    expect(await publish(run)).toMatchObject({ state: 'active', chunks: 2 });
  });

  test('lets two lanes count up progress at once without waiting for each other in a circle', async () => {
    const run = await accepted();
    await inWorkspace((em) => takeOverGeneration(em, run));
    await inWorkspace(async (em) => {
      await insertChunks(
        em,
        run,
        Array.from({ length: 64 }, (_, index) => chunk(index)),
      );
      await finishChunking(em, run, 64);
    });
    await Promise.all(Array.from({ length: 32 }, (_, lane) => embed(run, lane * 2, lane * 2 + 2)));
    expect(await workspace.document(run.documentId)).toMatchObject({ latest: { embedded_chunks: 64 } });
    // The same ranges again, as after a crash: nothing is stored or counted twice.
    await Promise.all(Array.from({ length: 32 }, (_, lane) => embed(run, lane * 2, lane * 2 + 2)));
    expect(await workspace.document(run.documentId)).toMatchObject({ latest: { embedded_chunks: 64 } });
    expect(await workspace.stored(run.documentId)).toMatchObject({ chunks: 64, embeddings: 64 });
  });
});

describe('the fence', () => {
  test('keeps a write that began first, makes the takeover wait for it, and refuses the writes after it', async () => {
    const run = await accepted();
    await inWorkspace((em) => takeOverGeneration(em, run));
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const order: string[] = [];
    let holds = () => {};
    const holding = new Promise<void>((resolve) => (holds = resolve));
    const writer = inWorkspace(async (em) => {
      expect(await holdGeneration(em, run)).toBe(true);
      holds();
      await released;
      await insertChunks(em, run, [chunk(0)]);
      order.push('write');
    });
    await holding;
    const takeover = inWorkspace((em) =>
      takeOverGeneration(em, { ...run, runId: 'run 2', runStartedAt: new Date(2000) }),
    ).then((taken) => {
      order.push('takeover');
      return taken;
    });
    await waitForLock();
    release();
    await writer;
    expect(await takeover).toMatchObject({ state: 'staging' });
    expect(order).toEqual(['write', 'takeover']);
    // The takeover saw the half-stored chunk and deleted it; the earlier run can write nothing more.
    expect(await workspace.stored(run.documentId)).toMatchObject({ chunks: 0 });
    expect(await inWorkspace((em) => holdGeneration(em, run))).toBe(false);
    expect(await inWorkspace((em) => failGeneration(em, run, failed))).toBe('fenced');
    expect(await inWorkspace((em) => takeOverGeneration(em, run))).toMatchObject({ state: 'fenced' });
    expect(await publish(run)).toEqual({ state: 'fenced' });
  });

  test('R3, R4: a delete during an ingest is final in each of 1,000 random interleavings', async () => {
    const random = seededRandom(4);
    const rounds = Array.from({ length: 1000 }, (_, round) => ({ round, pause: random() * 25 }));
    const nothing = { chunks: 0, embeddings: 0, blobs: 0, contents: 0 };
    let interrupted = 0;
    async function lane(): Promise<void> {
      for (let next = rounds.pop(); next; next = rounds.pop()) {
        const run = await accepted(`delete-${next.round}.md`, `text ${next.round}`);
        const ingest = complete(run).then(
          () => publish(run),
          () => null,
        );
        await new Promise((resolve) => setTimeout(resolve, next.pause));
        const deleted = await inWorkspace((em) => deleteDocument(em, run));
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
    const run = await accepted();
    await complete(run);
    expect(await inWorkspace((em) => deleteDocument(em, run))).toMatchObject({ deleted: true });
    expect(await embed(run, 0, 3)).toBe(-1);
    expect(await publish(run)).toEqual({ state: 'abandoned' });
    expect(await inWorkspace((em) => failGeneration(em, run, failed))).toBe('abandoned');
    expect(await inWorkspace((em) => takeOverGeneration(em, run))).toMatchObject({ state: 'abandoned' });
    expect(await inWorkspace((em) => deleteDocument(em, run))).toEqual({ deleted: false, abandoned: [] });
  });

  test('a deleted path is free for a new document', async () => {
    const run = await accepted('again.md');
    await inWorkspace((em) => deleteDocument(em, run));
    const next = await accepted('again.md');
    expect(next.documentId).not.toBe(run.documentId);
    expect(next.generation).toBe(1);
  });
});

describe('generations of one document', () => {
  test('the highest one wins, in whatever order they finish', async () => {
    const first = await accepted('order.md', 'one');
    const second = await accepted('order.md', 'two');
    const third = await accepted('order.md', 'three');
    await complete(first);
    await complete(third);
    await complete(second);
    expect(await publish(first)).toMatchObject({ state: 'active' });
    expect(await workspace.document(first.documentId)).toMatchObject({ status: 'processing', active_generation: 1 });
    expect(await publish(third)).toEqual({ state: 'active', chunks: 3, superseded: true });
    expect(await publish(second)).toEqual({ state: 'abandoned' });
    expect(await workspace.generations(first.documentId)).toMatchObject([
      { generation: 1, state: 'abandoned', error: null },
      { generation: 2, state: 'abandoned', error: { code: 'fenced' } },
      { generation: 3, state: 'active', error: null },
    ]);
    expect(await workspace.document(first.documentId)).toMatchObject({ status: 'ready', active_generation: 3 });
  });

  test('a failed one falls back to the one that was served, and says why', async () => {
    const first = await accepted('fallback.md', 'one');
    await complete(first);
    await publish(first);
    const second = await accepted('fallback.md', 'two');
    await complete(second);
    expect(await inWorkspace((em) => failGeneration(em, second, failed))).toBe('failed');
    expect(await inWorkspace((em) => failGeneration(em, second, failed))).toBe('failed');
    expect(await workspace.document(first.documentId)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      error: failed.error,
      latest: { generation: 2, state: 'failed', error: failed.error },
    });
    expect(await workspace.stored(first.documentId)).toMatchObject({ chunks: 3, embeddings: 3 });
  });

  test('R1, R31: one that is published after a newer one has failed leaves the document ready, not in work', async () => {
    const first = await accepted('late.txt', 'one');
    const second = await accepted('late.txt', 'two');
    await complete(first);
    await inWorkspace((em) => takeOverGeneration(em, second));
    expect(await inWorkspace((em) => failGeneration(em, second, failed))).toBe('failed');
    expect(await workspace.document(first.documentId)).toMatchObject({ status: 'processing' });
    expect(await publish(first)).toMatchObject({ state: 'active' });
    expect(await workspace.document(first.documentId)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      error: failed.error,
    });
  });

  test('a cancelled first one leaves a cancelled document with its bytes for a retry, and nothing else', async () => {
    const run = await accepted();
    await complete(run);
    expect(await inWorkspace((em) => failGeneration(em, run, cancelled))).toBe('abandoned');
    expect(await workspace.document(run.documentId)).toMatchObject({
      status: 'cancelled',
      error: { code: 'cancelled' },
    });
    expect(await workspace.stored(run.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 1, contents: 0 });
  });
});

describe('a job', () => {
  test('counts its documents in the transaction that ends one, and lists errors by document', async () => {
    const { jobId, documents } = await workspace.accept(
      ...['one', 'two', 'three', 'four'].map((word) => ({ bytes: Buffer.from(word) })),
    );
    const runs = documents.map(({ documentId, generation }) => ({
      workspaceId: workspace.workspaceId,
      documentId,
      generation,
      runId: 'run 1',
      runStartedAt: new Date(1000),
    }));
    await complete(runs[0]!);
    expect(await workspace.job(jobId)).toMatchObject({ status: 'processing', progress_percent: 0 });
    await Promise.all(runs.slice(1).map((run) => inWorkspace((em) => takeOverGeneration(em, run))));
    await Promise.all([
      publish(runs[0]!),
      inWorkspace((em) => failGeneration(em, runs[1]!, failed)),
      inWorkspace((em) => failGeneration(em, runs[2]!, cancelled)),
      inWorkspace((em) => deleteDocument(em, runs[3]!)),
    ]);
    const job = await workspace.job(jobId);
    expect(job).toMatchObject({
      status: 'partial',
      total_documents: 4,
      processed_documents: 2,
      failed_documents: 2,
      progress_percent: 100,
    });
    expect(job.completed_at).toBeInstanceOf(Date);
    expect(new Map(job.errors.map(({ document, error }) => [document, error]))).toEqual(
      new Map([
        [runs[1]!.documentId, 'document_empty: No text.'],
        [runs[2]!.documentId, 'cancelled: On request.'],
      ]),
    );
    expect(new Set(Object.keys(job.errors[0]!))).toEqual(new Set(['document', 'error', 'timestamp']));
    expect(new Date(job.errors[0]!.timestamp).getTime()).toBeGreaterThan(Date.now() - 60_000);
  });
});

describe('claimStrayGenerations', () => {
  test('finds what nobody began, and leaves it alone for half as long as it is old', async () => {
    const run = await accepted();
    const age = (seconds: number, updated: number) =>
      database.asOperator((em) =>
        em.execute(
          `update document_generations set created_at = now() - make_interval(secs => ?),
                  updated_at = now() - make_interval(secs => ?) where document_id = ?`,
          [seconds, updated, run.documentId],
        ),
      );
    const claimed = async () => {
      const stray = await database.asOperator((em) => claimStrayGenerations(em, 1000));
      return stray.some(({ documentId }) => documentId === run.documentId);
    };
    expect(await claimed()).toBe(false);
    await age(6, 6);
    expect(await claimed()).toBe(true);
    expect(await claimed()).toBe(false);
    await age(100, 25);
    expect(await claimed()).toBe(false);
    await age(100, 40);
    expect(await claimed()).toBe(true);
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

test('documents of one job that end at once are each counted once', async () => {
  const { jobId, documents } = await workspace.accept(
    ...Array.from({ length: 24 }, (_, index) => ({ bytes: Buffer.from(`text ${index}`) })),
  );
  const runs = documents.map(({ documentId, generation }) => ({
    workspaceId: workspace.workspaceId,
    documentId,
    generation,
    runId: 'run 1',
    runStartedAt: new Date(1000),
  }));
  await Promise.all(runs.map((run) => inWorkspace((em) => takeOverGeneration(em, run))));
  await Promise.all(
    runs.map((run, index) => inWorkspace((em) => failGeneration(em, run, index % 2 === 0 ? failed : cancelled))),
  );
  const job = await workspace.job(jobId);
  expect(job).toMatchObject({ status: 'failed', processed_documents: 0, failed_documents: 24, progress_percent: 100 });
  expect(new Set(job.errors.map(({ document }) => document)).size).toBe(24);
  expect(job.errors.every(({ timestamp }) => timestamp.endsWith('Z'))).toBe(true);
  // Counted anew it is the same.
  await inWorkspace((em) => settleIngestionJobs(em, [jobId]));
  expect(await workspace.job(jobId)).toMatchObject({ status: 'failed', failed_documents: 24, processed_documents: 0 });
});
