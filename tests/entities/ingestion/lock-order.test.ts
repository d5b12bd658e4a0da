import { afterAll, beforeEach, beforeAll, describe, expect, test } from '@jest/globals';
import { embedWithModel } from '../../../activities/ingestion/embed-with-model.ts';
import { findEmbeddingModel } from '../../../entities/agents/embedding-model-repository.ts';
import { cancelDocuments } from '../../../entities/documents/cancel-documents.ts';
import { deleteDocument } from '../../../entities/documents/document-repository.ts';
import { claimTexts } from '../../../entities/documents/embedding-cache-repository.ts';
import { holdGeneration } from '../../../entities/documents/document-generation-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import type { EmbeddingModel } from '../../../providers/embedding-model.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { until } from '../../support/until.ts';
import { createGenerationWriter, writtenVector } from '../../support/workspaces/generation-writer.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

// Who waits for whom is brought about here, step by step, where two orders of locks would close a circle: PostgreSQL then
// ends one of the two after a second.
const rows = testDatabase();
let database: Database;
let workspace: IngestWorkspace;
let writer: ReturnType<typeof createGenerationWriter>;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 16 }, 'test');
});
beforeEach(async () => {
  workspace = await createIngestWorkspace(database, { provider: 'openai', endpoint: 'http://127.0.0.1:9' });
  writer = createGenerationWriter(database, workspace);
});
afterAll(() => database?.close());

/** Waits until so many sessions of this database wait for another one. */
const waiting = (sessions: number) =>
  until(
    async () => {
      const [row] = await workspace.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
         where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`,
        [],
      );
      return row?.count === sessions;
    },
    { what: `${sessions} sessions that wait for a lock` },
  );

/** Holds what a statement locks until it is released. */
async function hold(statement: string, parameters: readonly unknown[]): Promise<() => Promise<void>> {
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  let locked!: () => void;
  const isLocked = new Promise<void>((resolve) => (locked = resolve));
  const held = writer.inWorkspace(async (em) => {
    await query(em, statement, parameters);
    locked();
    await released;
  });
  await Promise.race([isLocked, held]);
  return async () => {
    release();
    await held;
  };
}

const cancel = (...documentIds: string[]) =>
  writer.inWorkspace((em) => cancelDocuments(em, { workspaceId: workspace.workspaceId, documentIds }));

describe('R2: a cancel waits for nobody in a circle', () => {
  test('beside a step that stores vectors: the step is fenced, and its bill is kept', async () => {
    const run = await writer.accepted();
    await writer.complete(run);
    await workspace.query(`delete from chunk_embeddings where document_id = $1`, [run.documentId]);
    const model = await writer.inWorkspace((em) => findEmbeddingModel(em, workspace.modelId));
    let called!: () => void;
    const isCalled = new Promise<void>((resolve) => (called = resolve));
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const embedder: EmbeddingModel = {
      provider: 'openai',
      id: 'held',
      dimensions: 384,
      maxBatch: 8,
      maxTokens: 512,
      normalized: true,
      tokenCounting: 'estimate',
      countTokens: () => 2,
      tokenOffsets: () => ({ starts: new Uint32Array(), ends: new Uint32Array() }),
      close: async () => {},
      async embed(texts) {
        called();
        await answered;
        return { vectors: texts.map((_, index) => writtenVector(index)), usage: { promptTokens: 6 } };
      },
    };
    const embedding = embedWithModel({
      deps: { database, notifyDocument: () => {} },
      step: { run, attempt: 1, signal: new AbortController().signal, mayPay: async () => true },
      model: model!,
      range: { from: 0, to: 3 },
      hold: (em) => holdGeneration(em, run),
      embedder,
      isFirst: true,
      isLast: true,
      ifNotDue: 'wait',
      again: null,
    }).catch((error: unknown) => error);
    await isCalled;
    const release = await hold(`select from document_chunks where document_id = $1 for key share`, [run.documentId]);
    const cancelling = cancel(run.documentId);
    await waiting(1);
    answer();
    await waiting(2);
    await release();
    expect(await cancelling).toHaveLength(1);
    expect(await embedding).toMatchObject({ type: 'fenced' });
    expect(
      await workspace.query(`select state, prompt_tokens from usage_metrics where entity_id = $1`, [run.documentId]),
    ).toEqual([{ state: 'settled', prompt_tokens: 6 }]);
    expect(await workspace.document(run.documentId)).toMatchObject({ status: 'cancelled' });
  });

  test('beside a batch that brings the same documents again, in the order of their paths', async () => {
    const later = await writer.accepted('z.md');
    const sooner = await writer.accepted('a.md');
    expect(later.documentId < sooner.documentId).toBe(true);
    const release = await hold(`select from documents where id = $1 for update`, [sooner.documentId]);
    const batch = workspace.accept(
      { bytes: Buffer.from('new'), sourcePath: 'a.md' },
      { bytes: Buffer.from('new'), sourcePath: 'z.md' },
    );
    await waiting(1);
    const cancelling = cancel(later.documentId, sooner.documentId);
    await waiting(2);
    await release();
    expect((await batch).documents.map(({ generation }) => generation)).toEqual([2, 2]);
    // Both versions of both: the batch was first.
    expect(await cancelling).toHaveLength(4);
  });
});

describe('R3: a delete waits for nobody in a circle', () => {
  test('beside a step that claims the texts it is about to pay for: the step ends, then the delete', async () => {
    const run = await writer.accepted();
    await writer.complete(run);
    const { workspaceId } = workspace;
    let deleting!: Promise<{ deleted: boolean }>;
    const claimed = await writer.inWorkspace(async (em) => {
      expect(await holdGeneration(em, run)).toBe(true);
      deleting = writer.inWorkspace((other) => deleteDocument(other, { workspaceId, documentId: run.documentId }));
      await waiting(1);
      return claimTexts(em, { ...run, modelId: workspace.modelId, firstChunk: 0 }, [Buffer.alloc(32, 1)]);
    });
    expect(claimed).toEqual([0]);
    expect(await deleting).toMatchObject({ deleted: true });
    expect(await workspace.query(`select from embedding_claims where document_id = $1`, [run.documentId])).toEqual([]);
  });
});
