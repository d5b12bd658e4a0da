import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { Client, Connection, type WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import type { IngestDocumentResult } from '../../../contracts/names/workflows.ts';
import { readDocumentContent } from '../../../entities/documents/document-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { createWorkStarter } from '../../../platform/work-starter.ts';
import { startFakeProvider, type FakeProvider } from '../fake-provider/start-fake-provider.ts';
import { testDatabase } from '../servers/test-database.ts';
import { testTemporal } from '../servers/test-temporal.ts';
import { until } from '../until.ts';
import { startIngestWorker, type IngestWorker } from './ingest-worker.ts';
import { createIngestWorkspace, markdownText, type IngestWorkspace } from './ingest-workspace.ts';

/** A generation of a document, and the job it came with. */
export type Key = { documentId: string; generation: number; jobId?: string | null };

/** Bytes of a Markdown text of so many sections. */
export const markdownBytes = (sections: number, mark?: string) => ({
  bytes: Buffer.from(markdownText(sections, mark)),
});

/**
 * Servers, a worker, a fake provider and, for each test, a workspace of its own whose embedding model is the fake one.
 * Call at the top of a test file; the fields are set once its tests run.
 */
export function ingestHarness() {
  const rows = testDatabase();
  const temporal = testTemporal();
  let connection: Connection;
  let client: Client;
  const self = {
    database: undefined as unknown as Database,
    provider: undefined as unknown as FakeProvider,
    worker: undefined as unknown as IngestWorker,
    workspace: undefined as unknown as IngestWorkspace,
    handle: (key: Key): WorkflowHandle =>
      client.workflow.getHandle(workflowIds.ingestDocument(key.documentId, key.generation)),
    workflow: (workflowId: string): WorkflowHandle => client.workflow.getHandle(workflowId),
    async start(key: Key): Promise<Key> {
      const { documentId, generation } = key;
      const { workspaceId } = self.workspace;
      await self.starter().startIngest({ workspaceId, documentId, generation });
      return key;
    },
    starter: () => createWorkStarter(client),
    /** Accepts documents; the key is that of the first. */
    async accept(...documents: Parameters<IngestWorkspace['accept']>) {
      const accepted = await self.workspace.accept(...documents);
      const { documentId, generation } = accepted.documents[0]!;
      return { documentId, generation, jobId: accepted.jobId };
    },
    async ingest(...documents: Parameters<IngestWorkspace['accept']>) {
      const key = await self.accept(...documents);
      await self.start(key);
      await self.ended(key);
      return key;
    },
    /** How the workflow ended: a failed one carries its verdict in its failure. */
    async ended(key: Key): Promise<IngestDocumentResult> {
      try {
        return (await self.handle(key).result()) as IngestDocumentResult;
      } catch (error) {
        const { cause } = error as WorkflowFailedError;
        if (cause instanceof CancelledFailure) return { state: 'cancelled', chunks: 0 };
        if (cause instanceof ApplicationFailure) return cause.details?.[0] as IngestDocumentResult;
        throw error;
      }
    },
    readText: (documentId: string) =>
      self.database.inWorkspace(self.workspace.workspaceId, (em) => readDocumentContent(em, documentId)),
    /** Resolves once the provider was asked for vectors. */
    called: () => until(async () => self.provider.log().length > 0, { what: 'a call to the provider' }),
    /** What must hold of a served document: each expected chunk is there once, with one vector a model, at its place. */
    async expectServed(key: Key, models = 1): Promise<void> {
      const document = await self.workspace.document(key.documentId);
      expect(document).toMatchObject({ status: 'ready', active_generation: key.generation, error: null });
      const chunks = await self.workspace.query<{
        content: string;
        start_char: number;
        end_char: number;
        vectors: number;
      }>(
        `select c.content, c.start_char, c.end_char,
                (select count(*)::int from chunk_embeddings e where e.document_id = c.document_id
                  and e.generation = c.generation and e.chunk_index = c.chunk_index) as vectors
         from document_chunks c where c.document_id = $1 and c.generation = $2 order by c.chunk_index`,
        [key.documentId, key.generation],
      );
      const text = await self.readText(key.documentId);
      expect(chunks.length).toBeGreaterThan(0);
      expect(document.latest?.expected_chunks).toBe(chunks.length);
      expect(document.latest?.embedded_chunks).toBe(chunks.length);
      expect(new Set(chunks.map((chunk) => chunk.vectors))).toEqual(new Set([models]));
      for (const chunk of chunks) expect(text?.content.slice(chunk.start_char, chunk.end_char)).toBe(chunk.content);
      expect(chunks.at(-1)?.end_char).toBe(text?.content.length);
      expect(await self.workspace.stored(key.documentId)).toMatchObject({
        chunks: chunks.length,
        embeddings: chunks.length * models,
      });
    },
  };

  beforeAll(async () => {
    self.database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 20 }, 'test');
    self.provider = await startFakeProvider();
    connection = await Connection.connect({ address: temporal.address });
    client = new Client({ connection, namespace: temporal.namespace });
    self.worker = await startIngestWorker(self.database, temporal);
  });
  beforeEach(async () => {
    self.workspace = await createIngestWorkspace(self.database, {
      provider: 'openai',
      endpoint: self.provider.url,
      maxBatch: 8,
    });
  });
  afterEach(() => {
    self.provider.control({ reset: true });
    self.worker.around = (_, run) => run();
  });
  afterAll(async () => {
    await self.worker?.stop();
    await connection?.close();
    await self.provider?.stop();
    await self.database?.close();
  });
  return self;
}
