import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { v7 } from 'uuid';
import { settingsHash } from '../../activities/sync/settings-hash.ts';
import { apiConfigurationSchema } from '../../contracts/source-configuration.ts';
import { workflowIds, type SyncSourceInput } from '../../contracts/names/workflows.ts';
import { SiteServer } from '../providers/sources/site-server.ts';
import { ownTemporal } from '../support/servers/own-temporal.ts';
import { until } from '../support/until.ts';
import { syncHarness } from '../support/workspaces/sync-harness.ts';

jest.setTimeout(200_000);
// Continue-as-new is suggested after so many events, in place of 4,096, so that a short test meets it often.
const suggestedAfter = 100;
const h = syncHarness([], ownTemporal({ 'limit.historyCount.suggestContinueAsNew': suggestedAfter }));
const site = new SiteServer();
let listed = 0;
let changed = 0;
const perPage = 1_000;
// 100,000 take a minute or two; the history is as short.
const many = Number(process.env.PERDURE_TEST_LISTED ?? 3_000);

/** A REST interface of `listed` items, the first `changed` of which are of today. */
beforeAll(async () => {
  await site.start();
  site.answer = (request, response) => {
    const url = new URL(request.url ?? '', site.url);
    const [, id] = /^\/items\/(\d+)$/.exec(url.pathname) ?? [];
    const json = (body: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (id !== undefined) return json({ id, text: `The words of item ${id} are its own.` });
    const offset = Number(url.searchParams.get('offset'));
    const items = Array.from({ length: Math.max(0, Math.min(perPage, listed - offset)) }, (_, place) => ({
      id: offset + place,
      changed: offset + place < changed ? 'today' : 'yesterday',
    }));
    return json(items);
  };
});
afterAll(() => site.stop());
// Documents of a model with limits have a workflow each, and so the longest histories.
beforeEach(() =>
  h.workspace.query(`update models set capabilities = capabilities || '{"requestsPerMinute": 1000000}'`, []),
);

const configuration = () =>
  apiConfigurationSchema.parse({
    url: `${site.url}/items`,
    item_url: `${site.url}/items/{id}`,
    fields: { text: 'text', version: 'changed' },
    pagination: { type: 'offset', size: perPage },
  });

/** The runs of a sync, each with the size of its history. */
async function runs(source: string): Promise<{ events: number; bytes: number }[]> {
  const found = [];
  const query = `WorkflowId = '${workflowIds.syncSource(source)}'`;
  for await (const { runId } of h.client.workflow.list({ query })) {
    const { historyLength, historySize } = await h.client.workflow
      .getHandle(workflowIds.syncSource(source), runId)
      .describe();
    found.push({ events: historyLength, bytes: historySize ?? 0 });
  }
  return found;
}

/** Writes a manifest with served documents, as earlier syncs would have left it. */
async function remember(source: string, count: number): Promise<void> {
  const { workspaceId } = h.workspace;
  const hash = settingsHash(configuration(), { chunkSize: 60, chunkOverlap: 10 });
  await h.workspace.query(
    `with made as (
       insert into documents (id, workspace_id, knowledge_source_id, title, document_type, source_path, status,
                              latest_generation, active_generation)
       select gen_random_uuid(), $1, $2, n::text, 'text', n::text, 'ready', 1, 1 from generate_series(0, $3::integer - 1) n
       returning id, source_path),
     generations as (
       insert into document_generations (workspace_id, document_id, generation, workflow_id, mime_type, byte_size,
                                         content_hash, chunk_size, chunk_overlap, state, stage, expected_chunks, content)
       select $1, id, 1, 'ingest/' || id || '/1', 'text/plain', 1, $5, 60, 10, 'active', 'done', 0, '' from made)
     insert into source_items (workspace_id, knowledge_source_id, path, sync_id, state, version, accepted_version,
                               settings_hash, document_id)
     select $1, $2, source_path, gen_random_uuid(), 'unchanged', 'yesterday', 'yesterday', $4, id from made`,
    [workspaceId, source, count, hash, createHash('sha256').digest()],
  );
}

test('a sync of many documents continues as new, is killed between its runs, and goes on', async () => {
  listed = 60;
  changed = 0;
  const source = await h.source('api', configuration());
  const input = await h.startSync(source);
  // Killed as soon as a run has handed over to the next, twice.
  for (const seen of [2, 3]) {
    await until(async () => (await runs(source)).length >= seen, { what: `run ${seen}`, timeoutMs: 60_000 });
    const next = await h.startWorker();
    await h.worker.stop();
    h.worker = next;
  }
  // Runs that continue know which sync they are, so that a cancel of an earlier one leaves them alone.
  expect(await h.starter.cancelSync({ ...input, syncId: v7() })).toBe(false);
  expect(await h.ended(input)).toMatchObject({
    state: 'completed',
    error: null,
    listed_items: 60,
    accepted_items: 60,
    failed_items: 0,
  });
  const documents = await h.documents(source);
  expect(documents.filter(({ status, generation }) => status === 'ready' && generation === 1)).toHaveLength(60);
  const histories = await runs(source);
  const events = histories.reduce((sum, run) => sum + run.events, 0);
  expect(histories.length).toBeGreaterThanOrEqual(3);
  // A run goes beyond the limit by what its children still report, and never without bound.
  for (const run of histories) expect(run.events).toBeLessThan(2 * suggestedAfter);
  expect(events / 60).toBeLessThan(15);
});

test('a sync of thousands of documents that are nearly all unchanged fits into a short history', async () => {
  listed = many;
  const source = await h.source('api', configuration());
  await remember(source, listed);
  changed = 24;
  const input: SyncSourceInput = await h.startSync(source);
  expect(await h.ended(input)).toMatchObject({
    state: 'completed',
    error: null,
    listed_items: many,
    unchanged_items: many - 24,
    accepted_items: 24,
    removed_documents: 0,
  });
  const histories = await runs(source);
  const total = { events: 0, bytes: 0 };
  for (const { events, bytes } of histories)
    Object.assign(total, { events: total.events + events, bytes: total.bytes + bytes });
  // Listing what is unchanged costs no more events than the ingestion of a few changed ones.
  expect(total.events).toBeLessThan(600);
  expect(total.bytes).toBeLessThan(200_000);
});

test('a page with more texts than a step may name is handed over in parts, a window of documents at a time', async () => {
  const texts = Array.from({ length: 520 }, (_, id) => ({ id, text: `Words of ${id}.` }));
  const answer = site.answer;
  site.answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(texts));
  const source = await h.source('api', { url: `${site.url}/all`, fields: { text: 'text' } });
  const input = await h.startSync(source);
  const handle = h.client.workflow.getHandle(workflowIds.syncSource(source));
  let most = 0;
  const started = async () => {
    most = Math.max(most, (await handle.describe()).raw.pendingChildren?.length ?? 0);
    return most >= 16 && (await h.row(input)).accepted_items >= 500;
  };
  await until(started, { what: 'a window of children', timeoutMs: 60_000 });
  await h.starter.cancelSync(input);
  expect(await h.ended(input)).toMatchObject({ state: 'cancelled', listed_items: 520, accepted_items: 500 });
  expect(most).toBe(16);
  site.answer = answer;
});
