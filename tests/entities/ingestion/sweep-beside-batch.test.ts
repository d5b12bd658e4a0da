import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createSweepAcceptedDocuments } from '../../../activities/ingestion/sweep-accepted-documents.ts';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { takeOverGeneration } from '../../../entities/documents/document-generation-repository.ts';
import { readStagingGenerations } from '../../../entities/documents/generation-owner-repository.ts';
import { takeOverBatch } from '../../../entities/documents/take-over-batch.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

// A batch may begin late, as after a time without Temporal, and then at the moment at which the sweep looks for it.
const rows = testDatabase();
let database: Database;
let workspace: IngestWorkspace;
let keys: { documentId: string; generation: number }[];
let batchId: string;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
});
beforeEach(async () => {
  workspace = await createIngestWorkspace(database, { provider: 'openai', endpoint: 'http://127.0.0.1:9' });
  const { documents } = await workspace.accept({ bytes: Buffer.from('one') }, { bytes: Buffer.from('two') });
  keys = documents.map(({ documentId, generation }) => ({ documentId, generation }));
  const { workspaceId } = workspace;
  const staging = await inWorkspace((em) => readStagingGenerations(em, workspaceId, keys));
  batchId = staging[0]!.workflowId;
  await workspace.query(
    `update document_generations set created_at = now() - interval '6 seconds', updated_at = now() - interval '6 seconds'
     where document_id = any($1::uuid[])`,
    [keys.map(({ documentId }) => documentId)],
  );
});
afterAll(() => database?.close());

const inWorkspace = <T>(work: Parameters<typeof database.inWorkspace<T>>[1]) =>
  database.inWorkspace(workspace.workspaceId, work);

const beginBatch = () =>
  inWorkspace((em) => {
    const batch = { workspaceId: workspace.workspaceId, keys, runId: 'batch', workflowId: batchId };
    return takeOverBatch(em, { ...batch, runStartedAt: new Date(1000) }, () => true);
  });

/** Sweeps; `onLook` happens after Temporal has said that the batch is not open. Returns what was started. */
async function sweep(onLook: () => Promise<unknown>): Promise<string[]> {
  const started: string[] = [];
  await createSweepAcceptedDocuments({
    database,
    async startIngest({ documentId }) {
      if (keys.some((key) => key.documentId === documentId)) started.push(documentId);
      return true;
    },
    async ingestRuns(_input, workflowId) {
      if (workflowId === batchId) await onLook();
      return false;
    },
  })();
  return started.toSorted();
}

describe('R8: no document is worked on, and paid for, by a batch and by a workflow of its own side by side', () => {
  test('what a batch has begun while the sweep looked for it is not started', async () => {
    expect(await sweep(async () => expect(await beginBatch()).toHaveLength(2))).toEqual([]);
    const [first] = keys;
    expect((await workspace.document(first!.documentId)).latest).toMatchObject({ workflow_id: batchId, restarts: 0 });
  });

  test('what the sweep has started is left alone by a batch that begins after it', async () => {
    expect(await sweep(async () => {})).toEqual(keys.map(({ documentId }) => documentId).toSorted());
    expect(await beginBatch()).toEqual([]);
    const [{ documentId, generation }] = keys as [(typeof keys)[number]];
    const run = { workspaceId: workspace.workspaceId, documentId, generation, runStartedAt: new Date(2000) };
    const late = { ...run, runId: 'batch', workflowId: batchId };
    expect(await inWorkspace((em) => takeOverGeneration(em, late))).toMatchObject({ state: 'fenced' });
    const own = { ...run, runId: 'own', workflowId: workflowIds.ingestDocument(documentId, generation) };
    expect(await inWorkspace((em) => takeOverGeneration(em, own))).toMatchObject({ state: 'staging' });
  });
});
