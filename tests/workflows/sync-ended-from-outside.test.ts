import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { v7 } from 'uuid';
import { workflowIds, type SyncSourceInput } from '../../contracts/names/workflows.ts';
import { deleteDocument } from '../../entities/documents/document-repository.ts';
import { acceptAddress } from '../../entities/sources/accept-address.ts';
import { cancelSyncs } from '../../entities/sources/source-sync-repository.ts';
import { SiteServer } from '../providers/sources/site-server.ts';
import { until } from '../support/until.ts';
import { syncHarness } from '../support/workspaces/sync-harness.ts';

jest.setTimeout(120_000);
const folders: string[] = [];
const h = syncHarness(folders);
let root: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'perdure-sync-'));
  folders.push(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Makes the sweep look at the sync as if it had been silent. */
const silence = ({ syncId }: SyncSourceInput) =>
  h.workspace.query(`update source_syncs set updated_at = now() - interval '1 minute' where id = $1`, [syncId]);
const restarts = async ({ syncId }: SyncSourceInput) =>
  (await h.workspace.query<{ restarts: number }>(`select restarts from source_syncs where id = $1`, [syncId]))[0]!
    .restarts;

describe('a sync whose workflow is terminated in Temporal', () => {
  let source: string;
  const terminate = async (input: SyncSourceInput) => {
    await h.client.workflow.getHandle(workflowIds.syncSource(source)).terminate('by an operator');
    const before = await restarts(input);
    // A sweep passes by what a step of the ended run still holds.
    const seen = async () => {
      await silence(input);
      await h.sweep();
      return (await restarts(input)) > before || (await h.row(input)).state === 'failed';
    };
    await until(seen, { what: 'the sweep to see it', everyMs: 100 });
  };
  beforeEach(async () => {
    const folder = await mkdtemp(path.join(root, 'source-'));
    for (let index = 0; index < 12; index += 1)
      await writeFile(path.join(folder, `${index}.txt`), `The words of ${index}.`);
    source = await h.source('file', { path: folder });
    h.around = async (name, run) => {
      if (name === 'fetchItems') await delay(200);
      return run();
    };
  });

  test('is started again by the sweep, and goes on where it was', async () => {
    const input = await h.startSync(source);
    await until(async () => (await h.row(input)).accepted_items > 0, { what: 'the first documents' });
    await terminate(input);
    expect(await restarts(input)).toBe(1);
    expect(await h.ended(input)).toMatchObject({
      state: 'completed',
      error: null,
      listed_items: 12,
      accepted_items: 12,
    });
    expect((await h.documents(source)).map(({ status, generation }) => `${status} ${generation}`)).toEqual(
      Array.from({ length: 12 }, () => 'ready 1'),
    );
  });

  test('is not started for ever: after the fourth time it has failed, with that as the reason', async () => {
    const released = new AbortController();
    h.around = async (name, run) => {
      if (name === 'fetchItems') await delay(60_000, undefined, { signal: released.signal }).catch(() => {});
      return run();
    };
    const input = await h.startSync(source);
    for (let time = 1; time <= 4; time += 1) {
      await until(() => h.starter.syncRuns(input), { what: 'a run' });
      expect(await h.row(input)).toMatchObject({ state: expect.stringMatching(/^(?:accepted|running)$/) });
      await until(async () => (await h.row(input)).state === 'running', { what: 'the beginning of the sync' });
      await terminate(input);
    }
    released.abort();
    const row = await h.row(input);
    expect(row).toMatchObject({ state: 'failed', error: { code: 'sync_interrupted' } });
    expect(row.error?.detail).toMatch(/ended from outside 4 times/);
    expect(await h.workspace.job(row.job_id)).toMatchObject({ status: expect.stringMatching(/^(?:failed|partial)$/) });
    expect(await h.starter.syncRuns(input)).toBe(false);
  });

  test('is left alone while its workflow runs, however long it is silent', async () => {
    const input = await h.startSync(source);
    await until(async () => (await h.row(input)).state === 'running', { what: 'the beginning of the sync' });
    await silence(input);
    await h.sweep();
    expect(await restarts(input)).toBe(0);
    expect(await h.ended(input)).toMatchObject({ state: 'completed', accepted_items: 12 });
  });
});

describe('a document that was sent as an address', () => {
  const site = new SiteServer();
  let held: ServerResponse[];
  let sync: SyncSourceInput & { jobId: string };
  let documentId: string;

  beforeAll(() => site.start());
  afterAll(() => site.stop());
  beforeEach(async () => {
    held = [];
    site.answer = (_, response) => void held.push(response);
    const { workspaceId, knowledgeSourceId } = h.workspace;
    sync = { workspaceId, knowledgeSourceId, syncId: v7(), jobId: v7(), kind: 'items' };
    const url = `${site.url}/guide.txt`;
    documentId = await h.database.inWorkspace(workspaceId, (em) =>
      acceptAddress(em, sync, { documentId: v7(), path: url, title: 'guide.txt', description: { source_url: url } }),
    );
    await h.starter.startSync(sync);
    await until(async () => held.length > 0, { what: 'a request to the site' });
  });
  afterEach(() => {
    for (const response of held) response.destroy();
  });
  const served = () => h.documents(h.workspace.knowledgeSourceId);

  test('is fetched and ingested', async () => {
    held[0]!.writeHead(200, { 'content-type': 'text/plain' }).end('Guides lead the way.');
    expect(await h.ended(sync)).toMatchObject({ state: 'completed', error: null });
    expect(await served()).toMatchObject([{ id: documentId, status: 'ready', text: 'Guides lead the way.' }]);
  });

  test('R4: stays deleted when it is deleted while it is fetched', async () => {
    const { workspaceId } = h.workspace;
    await h.database.inWorkspace(workspaceId, (em) => deleteDocument(em, { workspaceId, documentId }));
    held[0]!.writeHead(200, { 'content-type': 'text/plain' }).end('Guides lead the way.');
    expect(await h.ended(sync)).toMatchObject({ state: 'completed', error: null, accepted_items: 0 });
    expect(await served()).toEqual([]);
    expect(await h.workspace.query(`select document_id from document_chunks`, [])).toEqual([]);
    expect(await h.workspace.job(sync.jobId)).toMatchObject({ status: 'completed', failed_documents: 0 });
  });

  test('R4: leaves nothing behind when it is deleted and its fetch fails', async () => {
    const { workspaceId } = h.workspace;
    await h.database.inWorkspace(workspaceId, (em) => deleteDocument(em, { workspaceId, documentId }));
    held[0]!.writeHead(404).end();
    expect(await h.ended(sync)).toMatchObject({ state: 'completed', failed_items: 0 });
    expect(await served()).toEqual([]);
  });

  test('is cancelled before it was fetched: the sync ends, and so does its job', async () => {
    const ended = await h.database.inWorkspace(sync.workspaceId, (em) =>
      cancelSyncs(em, sync.workspaceId, { documentId }),
    );
    expect(ended).toMatchObject([{ syncId: sync.syncId, kind: 'items' }]);
    await h.starter.cancelSync(sync);
    await until(async () => !(await h.starter.syncRuns(sync)), { what: 'the end of the workflow' });
    const { status } = await h.client.workflow.getHandle(workflowIds.syncItems(sync.syncId)).describe();
    expect(status.name).toBe('COMPLETED');
    expect(await h.workspace.document(documentId)).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    expect(await h.workspace.job(sync.jobId)).toMatchObject({ status: 'failed' });
  });

  test('R19: has failed when its sync has, and is not accepted for ever', async () => {
    await h.client.workflow.getHandle(workflowIds.syncItems(sync.syncId)).terminate('by an operator');
    await h.workspace.query(`update source_syncs set restarts = 3 where id = $1`, [sync.syncId]);
    await silence(sync);
    await h.sweep();
    expect(await h.row(sync)).toMatchObject({ state: 'failed', error: { code: 'sync_interrupted' } });
    expect(await h.workspace.document(documentId)).toMatchObject({
      status: 'failed',
      error: { code: 'sync_interrupted' },
    });
  });
});
