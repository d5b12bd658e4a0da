import { describe, expect, jest, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { v7 } from 'uuid';
import { createSweepAcceptedDocuments } from '../../activities/ingestion/sweep-accepted-documents.ts';
import type { IngestBatchResult } from '../../contracts/names/workflows.ts';
import { cancelDocuments } from '../../entities/documents/cancel-documents.ts';
import { deleteDocument } from '../../entities/documents/document-repository.ts';
import { readStagingGenerations } from '../../entities/documents/generation-owner-repository.ts';
import { retryDocuments } from '../../entities/documents/retry-documents.ts';
import { textsOf } from '../support/texts-of.ts';
import { until } from '../support/until.ts';
import { ingestHarness, markdownBytes, type Key } from '../support/workspaces/ingest-harness.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../support/workspaces/ingest-workspace.ts';

jest.setTimeout(120_000);
const h = ingestHarness();

/** Documents that were accepted together, and the workflow that their rows name. */
type Batch = { keys: Key[]; jobId: string | null; workflowId: string };

async function acceptBatch(...documents: Parameters<IngestWorkspace['accept']>): Promise<Batch> {
  const { jobId, documents: keys } = await h.workspace.accept(...documents);
  const { workspaceId } = h.workspace;
  const staging = await h.database.inWorkspace(workspaceId, (em) => readStagingGenerations(em, workspaceId, keys));
  const ids = new Set(staging.map(({ workflowId }) => workflowId));
  expect([...ids]).toEqual([`ingest-batch/${jobId}/1`]);
  return { keys, jobId, workflowId: [...ids][0]! };
}

async function start({ keys, workflowId }: Batch): Promise<void> {
  const documents = keys.map(({ documentId, generation }) => ({ documentId, generation }));
  await h.starter().startIngestBatch(workflowId, { workspaceId: h.workspace.workspaceId, documents });
}

const ended = ({ workflowId }: Batch) => h.workflow(workflowId).result() as Promise<IngestBatchResult>;

const small = (mark: string) => ({ ...markdownBytes(1, mark), title: mark });

/** As the API does it: the rows first, and here they alone. */
async function cancel(...keys: Key[]): Promise<void> {
  const { workspaceId } = h.workspace;
  const documentIds = keys.map(({ documentId }) => documentId);
  await h.database.inWorkspace(workspaceId, (em) => cancelDocuments(em, { workspaceId, documentIds }));
}

/** The workflow that each document's row names. */
async function owners({ keys }: Batch): Promise<string[]> {
  const rows = await h.workspace.query<{ workflow_id: string }>(
    `select workflow_id from document_generations g
     join unnest($1::uuid[]) with ordinality as k (id, place) on k.id = g.document_id order by k.place, g.generation`,
    [keys.map(({ documentId }) => documentId)],
  );
  return rows.map((row) => row.workflow_id);
}

describe('small documents that come together', () => {
  test('go through one workflow with one step, which their rows and its own words name', async () => {
    const batch = await acceptBatch(small('one'), small('two'), small('three'));
    await start(batch);
    expect(await ended(batch)).toEqual({ active: 3, gone: 0, left: 0 });
    for (const key of batch.keys) await h.expectServed(key);
    expect(await h.workspace.job(batch.jobId)).toMatchObject({
      status: 'completed',
      processed_documents: 3,
      errors: [],
    });
    expect(await owners(batch)).toEqual(batch.keys.map(() => batch.workflowId));
    const first = await h.workspace.document(batch.keys[0]!.documentId);
    expect(first.latest).toMatchObject({ workflow_id: batch.workflowId, queue_wait_ms: expect.any(Number) });
    const description = await h.workflow(batch.workflowId).describe();
    expect(description.searchAttributes).toMatchObject({
      PerdureWorkspace: [h.workspace.workspaceId],
      PerdureStatus: ['done'],
    });
    expect(await description.staticSummary()).toBe('Ingest 3 small documents');
    for (const { documentId } of batch.keys) expect(await description.staticDetails()).toContain(documentId);
    const history = await h.workflow(batch.workflowId).fetchHistory();
    expect(textsOf(history).join('\n')).not.toContain('durable work');
    expect(history.events?.filter((event) => event.activityTaskScheduledEventAttributes)).toHaveLength(1);
    const usage = await h.workspace.query<{ id: string; prompt_tokens: number }>(
      `select id, prompt_tokens from usage_metrics where workspace_id = $1 and state = 'settled'`,
      [h.workspace.workspaceId],
    );
    const paid = h.provider.log().map((call) => [call.idempotencyKey, call.promptTokens]);
    expect(new Map(usage.map((row) => [row.id, row.prompt_tokens]))).toEqual(new Map(paid as [string, number][]));
  });

  test('are parted where they are many, by eights with a model that computes here, and not batched alone, large, or within limits', async () => {
    const ids = async (...documents: Parameters<IngestWorkspace['accept']>) => {
      const { jobId, documents: keys } = await h.workspace.accept(...documents);
      const found = await owners({ keys, jobId, workflowId: '' });
      await cancel(...keys);
      return found.map((id) => id.replace(jobId!, 'JOB'));
    };
    const many = await ids(...Array.from({ length: 50 }, (_, index) => small(`many ${index}`)));
    expect(Object.entries(Object.groupBy(many, (id) => id)).map(([id, found]) => [id, found!.length])).toEqual([
      ['ingest-batch/JOB/1', 17],
      ['ingest-batch/JOB/2', 17],
      ['ingest-batch/JOB/3', 16],
    ]);
    expect(await ids(small('alone'))).toEqual([expect.stringMatching(/^ingest\/[0-9a-f-]+\/1$/)]);
    const large = { bytes: Buffer.alloc(300_000, 'large ') };
    const page = { bytes: Buffer.from('<p>Page</p>'), documentType: 'html', mimeType: 'text/html' } as const;
    expect(await ids(large, small('a'), page, small('b'))).toEqual([
      expect.stringMatching(/^ingest\//),
      'ingest-batch/JOB/1',
      expect.stringMatching(/^ingest\//),
      'ingest-batch/JOB/1',
    ]);
    const change = (sql: string) =>
      h.workspace.query(`update models set ${sql} where workspace_id = $1`, [workspaceId]);
    const { workspaceId } = h.workspace;
    await change(`capabilities = capabilities || '{"requestsPerMinute": 60}'`);
    expect(await ids(small('c'), small('d'))).toEqual([
      expect.stringMatching(/^ingest\//),
      expect.stringMatching(/^ingest\//),
    ]);
    await change(`provider = 'local', capabilities = capabilities - 'requestsPerMinute'`);
    const here = await ids(...Array.from({ length: 16 }, (_, index) => small(`here ${index}`)));
    expect(here).toEqual([...Array(8).fill('ingest-batch/JOB/1'), ...Array(8).fill('ingest-batch/JOB/2')]);
  });

  test('are embedded, verified and served in their batch with a model that computes here, which has no calls to note', async () => {
    h.workspace = await createIngestWorkspace(h.database);
    const batch = await acceptBatch(small('one'), small('two'), small('two'), markdownBytes(24));
    await start(batch);
    expect(await ended(batch)).toEqual({ active: 3, gone: 0, left: 1 });
    expect(await h.ended(batch.keys[3]!)).toMatchObject({ state: 'active' });
    for (const key of batch.keys) await h.expectServed(key);
    expect(await h.workspace.job(batch.jobId)).toMatchObject({ status: 'completed', processed_documents: 4 });
    const noted = `select count(*)::int as rows from usage_metrics where workspace_id = $1
      union all select count(*)::int from embedding_cache where workspace_id = $1`;
    expect(await h.workspace.query(noted, [h.workspace.workspaceId])).toEqual([{ rows: 0 }, { rows: 0 }]);
    const again = await acceptBatch(small('one again'), { ...small('two'), title: 'another' });
    await start(again);
    expect(await ended(again)).toEqual({ active: 2, gone: 0, left: 0 });
    expect(h.provider.log()).toHaveLength(0);
  });

  test('R8: the same text in several documents is paid for once', async () => {
    const batch = await acceptBatch(small('same'), small('same'), small('other'), small('same'));
    await start(batch);
    expect(await ended(batch)).toEqual({ active: 4, gone: 0, left: 0 });
    for (const key of batch.keys) await h.expectServed(key);
    expect(h.provider.log()).toHaveLength(2);
  });

  test('R31: one that cannot be read and one of many chunks get workflows of their own; the others do not wait', async () => {
    const batch = await acceptBatch(small('good'), { bytes: Buffer.from(' \n\n ') }, markdownBytes(16), small('fine'));
    const [good, empty, large, fine] = batch.keys as [Key, Key, Key, Key];
    await start(batch);
    expect(await ended(batch)).toEqual({ active: 2, gone: 0, left: 2 });
    await h.expectServed(good);
    await h.expectServed(fine);
    expect(await h.ended(empty)).toEqual({ state: 'failed', chunks: 0 });
    expect(await h.ended(large)).toMatchObject({ state: 'active' });
    await h.expectServed(large);
    expect(await h.workspace.document(empty.documentId)).toMatchObject({ error: { code: 'document_empty' } });
    const own = ({ documentId, generation }: Key) => `ingest/${documentId}/${generation}`;
    expect(await owners(batch)).toEqual([batch.workflowId, own(empty), own(large), batch.workflowId]);
    expect(await h.workspace.job(batch.jobId)).toMatchObject({ status: 'partial', failed_documents: 1 });
  });

  test('R36: what a provider refuses for a while is tried again in workflows of their own', async () => {
    h.provider.control({ script: [{ failure: { kind: 'status', status: 500 } }, { failure: { kind: 'reset' } }] });
    const batch = await acceptBatch(small('one'), small('two'), small('three'));
    await start(batch);
    expect(await ended(batch)).toEqual({ active: 1, gone: 0, left: 2 });
    for (const key of batch.keys) {
      await until(async () => (await h.workspace.document(key.documentId)).status === 'ready', {
        what: 'the document',
      });
      await h.expectServed(key);
    }
  });

  test('a newer version that comes meanwhile wins, and what it replaced is dropped', async () => {
    const first = await acceptBatch({ ...small('old a'), sourcePath: 'a' }, { ...small('old b'), sourcePath: 'b' });
    h.provider.control({ default: { firstTokenMs: 500 } });
    await start(first);
    await h.called();
    const second = await acceptBatch({ ...small('new a'), sourcePath: 'a' }, { ...small('new b'), sourcePath: 'b' });
    await start(second);
    await Promise.all([ended(first), ended(second)]);
    for (const key of second.keys) {
      expect(key.generation).toBe(2);
      await h.expectServed(key);
    }
    h.provider.control({ reset: true });
    const third = await acceptBatch({ ...small('last a'), sourcePath: 'a' }, { ...small('last b'), sourcePath: 'b' });
    await start(third);
    expect(await ended(third)).toEqual({ active: 2, gone: 0, left: 0 });
    for (const key of third.keys) await h.expectServed(key);
  });
});

describe('a cancel, a delete and a retry', () => {
  test('R2, R3: a cancel and a delete of one document each stop that one alone; a retry ingests it again', async () => {
    h.provider.control({ default: { firstTokenMs: 1500 } });
    const batch = await acceptBatch(small('cancelled'), small('deleted'), small('served'));
    const [cancelled, deleted, served] = batch.keys as [Key, Key, Key];
    await start(batch);
    await until(async () => h.provider.log().length === 3, { what: 'all calls' });
    const { workspaceId } = h.workspace;
    await cancel(cancelled);
    await h.database.inWorkspace(workspaceId, (em) =>
      deleteDocument(em, { workspaceId, documentId: deleted.documentId }),
    );
    expect(await ended(batch)).toEqual({ active: 1, gone: 2, left: 0 });
    await h.expectServed(served);
    expect(await h.workspace.document(cancelled.documentId)).toMatchObject({ status: 'cancelled' });
    expect(await h.workspace.stored(cancelled.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 1, contents: 0 });
    expect(await h.workspace.stored(deleted.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 0, contents: 0 });
    h.provider.control({ reset: true });
    const select = { documentId: cancelled.documentId };
    const again = await h.database.inWorkspace(workspaceId, (em) =>
      retryDocuments(em, { workspaceId, jobId: v7(), select }),
    );
    const [key] = again.documents as [Key];
    await h.start(key);
    expect(await h.ended(key)).toMatchObject({ state: 'active' });
    await h.expectServed(key);
  });

  test('R2: what a cancelled batch had replaced by then is dropped, what it had not is served on', async () => {
    const first = await acceptBatch({ ...small('old a'), sourcePath: 'a' }, { ...small('old b'), sourcePath: 'b' });
    await start(first);
    await ended(first);
    const { chunks } = await h.workspace.stored(first.keys[0]!.documentId);
    h.provider.control({ script: [{ on: 'embeddings', firstTokenMs: 0 }], default: { firstTokenMs: 30_000 } });
    const second = await acceptBatch({ ...small('new a'), sourcePath: 'a' }, { ...small('new b'), sourcePath: 'b' });
    await start(second);
    const replaced = async () =>
      Promise.all(
        second.keys.map(async ({ documentId }) => (await h.workspace.document(documentId)).active_generation === 2),
      );
    await until(async () => (await replaced()).includes(true), { what: 'one new version' });
    await h.workflow(second.workflowId).cancel();
    await expect(ended(second)).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    const isNew = await replaced();
    expect(isNew.filter(Boolean)).toHaveLength(1);
    await h.expectServed(second.keys[isNew.indexOf(true)]!);
    const { documentId } = second.keys[isNew.indexOf(false)]!;
    expect(await h.workspace.document(documentId)).toMatchObject({ status: 'ready', active_generation: 1 });
    expect(await h.workspace.stored(documentId)).toMatchObject({ chunks, embeddings: chunks });
  });

  test('R2: a cancel of the batch itself cancels all that it has not ended', async () => {
    h.provider.control({ script: [{ on: 'embeddings', firstTokenMs: 0 }], default: { firstTokenMs: 30_000 } });
    const batch = await acceptBatch(small('first'), small('second'));
    await start(batch);
    const states = async () =>
      Promise.all(batch.keys.map(async (key) => (await h.workspace.document(key.documentId)).status));
    await until(async () => (await states()).includes('ready'), { what: 'one document' });
    await h.workflow(batch.workflowId).cancel();
    await expect(ended(batch)).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect((await states()).toSorted()).toEqual(['cancelled', 'ready']);
    expect(await h.workspace.job(batch.jobId)).toMatchObject({ status: 'partial', failed_documents: 1 });
  });
});

test('small documents that are retried together go through one workflow', async () => {
  const large = { bytes: Buffer.alloc(300_000, 'large ') };
  const { jobId, documents: keys } = await h.workspace.accept(small('one'), large, small('two'));
  await cancel(...keys);
  const { workspaceId } = h.workspace;
  const retried = await h.database.inWorkspace(workspaceId, (em) =>
    retryDocuments(em, { workspaceId, jobId: v7(), select: { jobId: jobId! } }),
  );
  const workflowId = `ingest-batch/${retried.jobId}/1`;
  const again = keys.map(({ documentId }) => ({ documentId, generation: 2 }));
  const staging = await h.database.inWorkspace(workspaceId, (em) => readStagingGenerations(em, workspaceId, again));
  const own = `ingest/${keys[1]!.documentId}/2`;
  const owner = new Map(staging.map((generation) => [generation.documentId, generation.workflowId]));
  expect(keys.map(({ documentId }) => owner.get(documentId))).toEqual([workflowId, own, workflowId]);
  const batch = { keys: [again[0]!, again[2]!], jobId: retried.jobId, workflowId };
  await start(batch);
  expect(await ended(batch)).toEqual({ active: 2, gone: 0, left: 0 });
  for (const key of batch.keys) await h.expectServed(key);
});

describe('a crash', () => {
  test('R1, R11: what a dead step has not ended goes on by itself, and a step that was only silent can do no harm', async () => {
    h.provider.control({ script: [{ on: 'embeddings', firstTokenMs: 0 }], default: { firstTokenMs: 5000 } });
    const batch = await acceptBatch(small('one'), small('two'), small('three'));
    let silent: Promise<unknown> = Promise.resolve();
    let attempts = 0;
    h.worker.around = async (name, run) => {
      if (name !== 'ingestSmall' || (attempts += 1) > 1) return run();
      silent = run().catch(() => {});
      await until(async () => h.provider.log().length === 3, { what: 'all calls' });
      await until(async () => (await h.workspace.job(batch.jobId)).processed_documents === 1, { what: 'one document' });
      throw ApplicationFailure.retryable('The worker died here.', 'internal');
    };
    await start(batch);
    // The next attempt must have looked before the silent one has its answers.
    expect(await ended(batch)).toEqual({ active: 0, gone: 1, left: 2 });
    h.provider.control({ default: { firstTokenMs: 0 } });
    for (const key of batch.keys)
      await until(async () => (await h.workspace.document(key.documentId)).status === 'ready', {
        what: 'the document',
      });
    await silent;
    for (const key of batch.keys) await h.expectServed(key);
    expect(attempts).toBe(2);
    // Two calls were in flight.
    expect(h.provider.log().length).toBeLessThanOrEqual(5);
    expect(await h.workspace.job(batch.jobId)).toMatchObject({ status: 'completed', processed_documents: 3 });
  });

  test('R1: what a step replaced before it died is dropped all the same', async () => {
    const first = await acceptBatch({ ...small('old a'), sourcePath: 'a' }, { ...small('old b'), sourcePath: 'b' });
    await start(first);
    await ended(first);
    let attempts = 0;
    h.worker.around = async (name, run) => {
      const result = await run();
      if (name === 'ingestSmall' && (attempts += 1) === 1)
        throw ApplicationFailure.retryable('The worker died here.', 'internal');
      return result;
    };
    const second = await acceptBatch({ ...small('new a'), sourcePath: 'a' }, { ...small('new b'), sourcePath: 'b' });
    await start(second);
    expect(await ended(second)).toEqual({ active: 0, gone: 2, left: 0 });
    expect(attempts).toBe(2);
    for (const key of second.keys) await h.expectServed(key);
  });

  test('the sweep leaves a batch that is open alone, and starts what one has left undone', async () => {
    const sweep = createSweepAcceptedDocuments({ database: h.database, ...h.starter() });
    const age = ({ keys }: Batch) =>
      h.workspace.query(
        `update document_generations set created_at = now() - interval '2 minutes', updated_at = now() - interval '2 minutes'
         where document_id = any($1::uuid[])`,
        [keys.map(({ documentId }) => documentId)],
      );
    h.provider.control({ default: { firstTokenMs: 700 } });
    const open = await acceptBatch(small('one'), small('two'));
    await start(open);
    await h.called();
    await age(open);
    await sweep();
    expect(await ended(open)).toEqual({ active: 2, gone: 0, left: 0 });
    expect(await owners(open)).toEqual([open.workflowId, open.workflowId]);
    h.provider.control({ reset: true });
    const lost = await acceptBatch(small('three'), small('four'));
    await age(lost);
    await sweep();
    for (const key of lost.keys) {
      expect(await h.ended(key)).toMatchObject({ state: 'active' });
      await h.expectServed(key);
    }
  });
});
