import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { workflowIds, type SyncSourceInput } from '../../contracts/names/workflows.ts';
import { until } from '../support/until.ts';
import { syncHarness } from '../support/workspaces/sync-harness.ts';

jest.setTimeout(120_000);
const folders: string[] = [];
const h = syncHarness(folders);
let root: string;
let source: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'perdure-sync-'));
  folders.push(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));
// One hand-over brings eight; the other two come in a second.
beforeEach(async () => {
  const folder = await mkdtemp(path.join(root, 'source-'));
  for (let n = 0; n < 10; n += 1) await writeFile(path.join(folder, `${n}.txt`), `The words of ${n}.`);
  source = await h.source('file', { path: folder });
});

/** Types of the children that the newest run of the sync has started. */
const children = async () => {
  const { events } = await h.client.workflow.getHandle(workflowIds.syncSource(source)).fetchHistory();
  return (events ?? []).flatMap(
    ({ startChildWorkflowExecutionInitiatedEventAttributes: started }) => started?.workflowType?.name ?? [],
  );
};
const served = Array.from({ length: 10 }, () => 'ready 1');
const states = async () => (await h.documents(source)).map(({ status, generation }) => `${status} ${generation}`);

test('small files of one hand-over go through one workflow, and the sync knows when they have ended', async () => {
  expect(await h.sync(source)).toMatchObject({ state: 'completed', error: null, accepted_items: 10 });
  expect(await states()).toEqual(served);
  expect(await children()).toEqual(['ingestBatch', 'ingestBatch']);
  expect(h.provider.log()).toHaveLength(10);
});

test('R36: the sync gives what a batch leaves workflows of their own, and waits for them', async () => {
  h.provider.control({ script: [{ failure: { kind: 'status', status: 500 } }, { failure: { kind: 'reset' } }] });
  expect(await h.sync(source)).toMatchObject({ state: 'completed', error: null, accepted_items: 10 });
  expect(await states()).toEqual(served);
  expect((await children()).toSorted()).toEqual(['ingestBatch', 'ingestBatch', 'ingestDocument', 'ingestDocument']);
});

test('R8: a run that takes the place of a terminated one leaves a batch alone that still runs', async () => {
  h.provider.control({ default: { firstTokenMs: 3000 } });
  const input: SyncSourceInput = await h.startSync(source);
  await until(async () => h.provider.log().length === 10, { what: 'all calls' });
  await h.client.workflow.getHandle(workflowIds.syncSource(source)).terminate('by an operator');
  await h.starter.startSync(input);
  expect(await h.ended(input)).toMatchObject({ state: 'completed', error: null, accepted_items: 10 });
  expect(await states()).toEqual(served);
  expect(await children()).toEqual([]);
  expect(h.provider.log()).toHaveLength(10);
});
