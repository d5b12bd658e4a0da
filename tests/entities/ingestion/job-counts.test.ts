import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { failGeneration, takeOverGeneration } from '../../../entities/documents/document-generation-repository.ts';
import { deleteDocument } from '../../../entities/documents/document-repository.ts';
import { claimStrayGenerations } from '../../../entities/documents/generation-sweep-repository.ts';
import { settleIngestionJobs } from '../../../entities/documents/ingestion-job-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { cancelledEnd, createGenerationWriter, failedEnd } from '../../support/workspaces/generation-writer.ts';
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
    await writer.complete(runs[0]!);
    expect(await workspace.job(jobId)).toMatchObject({ status: 'processing', progress_percent: 0 });
    await Promise.all(runs.slice(1).map((run) => writer.inWorkspace((em) => takeOverGeneration(em, run))));
    await Promise.all([
      writer.publish(runs[0]!),
      writer.inWorkspace((em) => failGeneration(em, runs[1]!, failedEnd)),
      writer.inWorkspace((em) => failGeneration(em, runs[2]!, cancelledEnd)),
      writer.inWorkspace((em) => deleteDocument(em, runs[3]!)),
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
    const run = await writer.accepted();
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
  await Promise.all(runs.map((run) => writer.inWorkspace((em) => takeOverGeneration(em, run))));
  await Promise.all(
    runs.map((run, index) =>
      writer.inWorkspace((em) => failGeneration(em, run, index % 2 === 0 ? failedEnd : cancelledEnd)),
    ),
  );
  const job = await workspace.job(jobId);
  expect(job).toMatchObject({ status: 'failed', processed_documents: 0, failed_documents: 24, progress_percent: 100 });
  expect(new Set(job.errors.map(({ document }) => document)).size).toBe(24);
  expect(job.errors.every(({ timestamp }) => timestamp.endsWith('Z'))).toBe(true);
  // Counted anew it is the same.
  await writer.inWorkspace((em) => settleIngestionJobs(em, [jobId]));
  expect(await workspace.job(jobId)).toMatchObject({ status: 'failed', failed_documents: 24, processed_documents: 0 });
});
