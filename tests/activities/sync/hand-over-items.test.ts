import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { handOverItems, type FetchedItem } from '../../../activities/sync/hand-over-items.ts';
import type { SyncStep } from '../../../activities/sync/run-sync-step.ts';
import type { SyncDeps } from '../../../activities/sync/sync-deps.ts';
import type { SyncSourceInput } from '../../../contracts/names/workflows.ts';
import { deleteDocument } from '../../../entities/documents/document-repository.ts';
import { storeListedItems } from '../../../entities/sources/source-item-repository.ts';
import { beginSync, holdSync, requestSync } from '../../../entities/sources/source-sync-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { inspectDocument } from '../../../providers/parsers/detection/inspect-document.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

const rows = testDatabase();
let database: Database;
let workspace: IngestWorkspace;
let input: SyncSourceInput;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 4 }, 'test');
});
afterAll(() => database.close());
beforeEach(async () => {
  workspace = await createIngestWorkspace(database, { provider: 'openai' });
  await begin();
});

const names = ['a.md', 'b.md', 'c.md'];

async function begin(): Promise<void> {
  const { workspaceId, knowledgeSourceId } = workspace;
  input = { workspaceId, knowledgeSourceId, syncId: v7(), kind: 'full' };
  const request = { ...input, jobId: v7(), trigger: 'request', allowRemovals: false } as const;
  await database.inWorkspace(workspaceId, async (em) => {
    await requestSync(em, request);
    await beginSync(em, input, Buffer.from('first'));
    const listed = { state: 'pending', version: null, description: {}, memory: {} } as const;
    await storeListedItems(
      em,
      input,
      names.map((path) => ({ ...listed, path })),
    );
  });
}

const fetched = (path: string, text = `# ${path}\n\nOf ${path}.`): FetchedItem => ({
  item: { path, version: null, description: {} },
  content: { bytes: Buffer.from(text), mediaType: 'text/markdown' },
});

async function handOver(...items: FetchedItem[]) {
  const transactions: number[] = [];
  const step: SyncStep = {
    signal: new AbortController().signal,
    attempt: 1,
    held: (work) =>
      database.inWorkspace(input.workspaceId, async (em) => {
        transactions.push(items.length);
        return work(em, (await holdSync(em, input))!);
      }),
  };
  const deps = { database, inspectDocument, notifyDocument: () => {} } as unknown as SyncDeps;
  const accepted = await handOverItems(deps, step, input, items);
  return { accepted, transactions: transactions.length };
}

async function counts() {
  const [row] = await workspace.query(
    `select s.accepted_items as accepted, s.unchanged_items as unchanged, s.failed_items as failed,
            j.total_documents as total, j.processed_documents as processed, j.failed_documents as "failedDocuments",
            (select count(*)::int from document_generations g where g.job_id = j.id) as generations,
            (select count(distinct g.workflow_id)::int from document_generations g where g.job_id = j.id) as workflows
     from source_syncs s join ingestion_jobs j on j.id = s.job_id where s.id = $1`,
    [input.syncId],
  );
  return row;
}

test('small items are handed over in one transaction, to one workflow', async () => {
  const { accepted, transactions } = await handOver(...names.map((path) => fetched(path)));
  expect(accepted).toHaveLength(3);
  expect(transactions).toBe(1);
  expect(await counts()).toMatchObject({ accepted: 3, unchanged: 0, total: 3, generations: 3, workflows: 1 });
});

test('what cannot be a document fails alone, and what is there already is not taken again', async () => {
  await handOver(fetched('a.md'));
  await workspace.query(`update document_generations set state = 'active'`, []);
  await workspace.query(`update source_syncs set state = 'completed'`, []);
  await begin();
  const { accepted } = await handOver(fetched('a.md'), fetched('b.md', ''), fetched('c.md'));
  expect(accepted).toHaveLength(1);
  expect(await counts()).toMatchObject({ accepted: 1, unchanged: 1, failed: 1, total: 3, generations: 1 });
});

test('an item that another attempt has settled does not keep the others back, and is not taken twice', async () => {
  const first = await handOver(fetched('b.md'));
  expect(first.accepted).toHaveLength(1);
  const { accepted } = await handOver(...names.map((path) => fetched(path)));
  expect(accepted).toHaveLength(2);
  expect(await counts()).toMatchObject({ accepted: 3, unchanged: 0, total: 3, generations: 3 });
  expect((await handOver(...names.map((path) => fetched(path)))).accepted).toEqual([]);
  expect(await counts()).toMatchObject({ accepted: 3, unchanged: 0, total: 3, generations: 3 });
});

test('R4: a document that was deleted while others were fetched stays deleted', async () => {
  const first = await handOver(...names.map((path) => fetched(path)));
  await workspace.query(`update source_syncs set state = 'completed'`, []);
  await begin();
  const { documentId } = first.accepted[0]!;
  await database.inWorkspace(input.workspaceId, (em) => deleteDocument(em, { ...input, documentId }));
  const again = names.map((path) => fetched(path, `# ${path}\n\nChanged.`));
  const { accepted } = await handOver(...again);
  expect(accepted.map((document) => document.documentId)).not.toContain(documentId);
  expect(accepted).toHaveLength(2);
  expect(await counts()).toMatchObject({ accepted: 2, unchanged: 1, total: 3, generations: 2 });
});
