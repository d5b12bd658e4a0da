import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { blobPartBytes } from '../../../contracts/names/limits.ts';
import { readBlob } from '../../../entities/documents/blob-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
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

const text = (value: string) => ({ bytes: Buffer.from(value) });

describe('acceptDocuments', () => {
  test('R5: document, generation, bytes and queued job commit together', async () => {
    const bytes = Buffer.alloc(2 * blobPartBytes + 7, 'é');
    const { jobId, documents } = await workspace.accept({ bytes, title: 'Long', metadata: { team: 'a' } });
    const { documentId, generation } = documents[0]!;
    expect(await workspace.document(documentId)).toMatchObject({
      title: 'Long',
      status: 'accepted',
      active_generation: null,
      metadata: { team: 'a' },
      latest: {
        generation: 1,
        state: 'staging',
        stage: 'accepted',
        byte_size: bytes.length,
        job_id: jobId,
        characters: null,
      },
    });
    expect(await workspace.job(jobId)).toMatchObject({ status: 'queued', total_documents: 1, progress_percent: 0 });
    const key = { workspaceId: workspace.workspaceId, documentId, generation };
    const stored = await database.inWorkspace(workspace.workspaceId, (em) => readBlob(em, key));
    expect(stored.equals(bytes)).toBe(true);
    expect((await workspace.stored(documentId)).blobs).toBe(3);
  });

  test('R10: two uploads without a path are two documents, though their bytes are equal', async () => {
    const { documents } = await workspace.accept(text('same'), text('same'));
    expect(new Set(documents.map((document) => document.documentId)).size).toBe(2);
    expect(documents.map((document) => document.unchanged)).toEqual([false, false]);
  });

  test('the same path is the next generation of the same document, and the same bytes with the same title are unchanged', async () => {
    const first = await workspace.accept({ ...text('one'), sourcePath: 'a.md' });
    const again = await workspace.accept({ ...text('one'), sourcePath: 'a.md', author: 'somebody else' });
    const renamed = await workspace.accept({ ...text('one'), sourcePath: 'a.md', title: 'New title' });
    const second = await workspace.accept({ ...text('two'), sourcePath: 'a.md' });
    const back = await workspace.accept({ ...text('one'), sourcePath: 'a.md' });
    const { documentId } = first.documents[0]!;
    expect(again).toEqual({ jobId: null, documents: [{ documentId, generation: 1, unchanged: true }] });
    // The title is embedded with each chunk.
    expect(renamed.documents).toEqual([{ documentId, generation: 2, unchanged: false }]);
    expect(second.documents).toEqual([{ documentId, generation: 3, unchanged: false }]);
    // Generation 3 is under way with other bytes: the first bytes are a change again.
    expect(back.documents).toEqual([{ documentId, generation: 4, unchanged: false }]);
    expect(await workspace.document(documentId)).toMatchObject({ latest: { generation: 4 } });
  });

  test('unchanged documents of a job count as processed', async () => {
    await workspace.accept({ ...text('kept'), sourcePath: 'kept.md' });
    const { jobId } = await workspace.accept(
      { ...text('kept'), sourcePath: 'kept.md' },
      { ...text('new'), sourcePath: 'new.md' },
    );
    expect(await workspace.job(jobId)).toMatchObject({
      status: 'queued',
      total_documents: 2,
      processed_documents: 1,
      progress_percent: 50,
    });
  });

  test('one path twice in a batch is two generations, and the answer keeps the order of the request', async () => {
    const { documents } = await workspace.accept(
      { ...text('z'), sourcePath: 'z.md' },
      { ...text('b1'), sourcePath: 'b.md' },
      { ...text('b2'), sourcePath: 'b.md' },
    );
    expect(documents.map((document) => document.generation)).toEqual([1, 1, 2]);
    expect(documents[1]!.documentId).toBe(documents[2]!.documentId);
  });

  test('concurrent requests for the same paths, in opposite orders, all succeed with generations of their own', async () => {
    const paths = Array.from({ length: 6 }, (_, index) => `race-${index}.md`);
    const batches = Array.from({ length: 8 }, (_, batch) => {
      const order = batch % 2 === 0 ? paths : paths.toReversed();
      return workspace.accept(...order.map((sourcePath) => ({ ...text(`${batch} ${sourcePath}`), sourcePath })));
    });
    const documents = (await Promise.all(batches)).flatMap((batch) => batch.documents);
    expect(new Set(documents.map((document) => document.documentId)).size).toBe(paths.length);
    expect(new Set(documents.map((document) => `${document.documentId}/${document.generation}`)).size).toBe(48);
  });
});
