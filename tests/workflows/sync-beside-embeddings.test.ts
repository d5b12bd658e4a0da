import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { markdownText } from '../support/workspaces/ingest-workspace.ts';
import { syncHarness } from '../support/workspaces/sync-harness.ts';

jest.setTimeout(120_000);
const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'perdure-sync-')));
const h = syncHarness([folder]);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Has documents ingested one by one; their ids. */
async function ingest(documents: number, sections: number): Promise<string[]> {
  const { workspaceId } = h.workspace;
  const ids = [];
  for (let document = 0; document < documents; document += 1) {
    const bytes = Buffer.from(markdownText(sections, `${sections} ${document}`));
    const { documentId, generation } = (await h.workspace.accept({ bytes })).documents[0]!;
    await h.starter.startIngest({ workspaceId, documentId, generation });
    ids.push(documentId);
  }
  return ids;
}

// More than one worker takes on at once: six steps of embedding, or forty small documents within their workflow tasks, of
// which Temporal's pollers reserve some.
test.each([
  { what: 'large', documents: 8, sections: 24, atOnce: 6 },
  { what: 'small', documents: 45, sections: 1, atOnce: 24 },
])('a source is listed while $what documents wait for a slow model', async ({ documents, sections, atOnce }) => {
  h.provider.control({ default: { firstTokenMs: 12_000 } });
  const ids = await ingest(documents, sections);
  await until(async () => h.provider.log().length >= atOnce, { what: 'the calls under way' });
  await writeFile(path.join(folder, `${sections}.txt`), 'A text that is listed at once.');
  const source = await h.source('file', { path: folder, include: [`${sections}.txt`] });
  const sync = await h.startSync(source);
  await until(async () => (await h.row(sync)).accepted_items === 1, { what: 'the listing', timeoutMs: 5_000 });
  expect(h.provider.log().filter(({ outcome }) => outcome === 'finished')).toEqual([]);
  h.provider.control({ reset: true });
  const ready = `select count(*)::int as count from documents where id = any($1::uuid[]) and status = 'ready'`;
  const allReady = async () => (await h.workspace.query<{ count: number }>(ready, [ids]))[0]!.count === documents;
  await until(allReady, { what: 'the end of the documents', timeoutMs: 60_000 });
  expect(await h.ended(sync)).toMatchObject({ state: 'completed' });
});
