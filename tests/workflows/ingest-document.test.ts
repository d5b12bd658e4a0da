import { describe, expect, jest, test } from '@jest/globals';
import { textsOf } from '../support/texts-of.ts';
import { ingestHarness, markdownBytes } from '../support/workspaces/ingest-harness.ts';
import { createIngestWorkspace } from '../support/workspaces/ingest-workspace.ts';

jest.setTimeout(120_000);
const h = ingestHarness();
// More chunks than fit a workflow task.
const largeSections = 16;

describe('an ingestion', () => {
  test('serves a document with its chunks, vectors, job and usage', async () => {
    const key = await h.accept({ ...markdownBytes(6), title: 'Guide' });
    await h.start(key);
    const result = await h.ended(key);
    await h.expectServed(key);
    const document = await h.workspace.document(key.documentId);
    expect(result).toEqual({ state: 'active', chunks: document.latest?.expected_chunks });
    expect(await h.workspace.job(key.jobId)).toMatchObject({
      status: 'completed',
      processed_documents: 1,
      progress_percent: 100,
      errors: [],
    });
    const usage = await h.workspace.query<{ id: string; state: string; prompt_tokens: number; cost: string }>(
      `select id, state, prompt_tokens, cost from usage_metrics where entity_id = $1 order by step`,
      [key.documentId],
    );
    const calls = h.provider.log();
    expect(calls.length).toBeGreaterThan(1);
    expect(usage.map((row) => [row.id, row.state, row.prompt_tokens])).toEqual(
      calls.map((call) => [call.idempotencyKey, 'settled', call.promptTokens]),
    );
    expect(usage[0]?.cost).toBe((calls[0]!.promptTokens / 1e7).toFixed(10));
    const headings = await h.workspace.query<{ metadata: { headings?: string[] } }>(
      `select metadata from document_chunks where document_id = $1 order by chunk_index desc limit 1`,
      [key.documentId],
    );
    expect(headings[0]?.metadata.headings).toEqual(['Section 5 plain']);
  });

  test('gives a document the title that it bears where none was sent, and keeps it when it comes again', async () => {
    const mail = (subject: string) =>
      Buffer.from(`From: a@example.test\nTo: b@example.test\nSubject: ${subject}\n\nThe pump is ready.`);
    const sent = {
      sourcePath: 'mail/1.eml',
      title: '1.eml',
      mimeType: 'message/rfc822',
      documentType: 'email' as const,
    };
    const { documentId } = await h.ingest({ ...sent, bytes: mail('Offer for pumps') });
    const title = async () => (await h.workspace.document(documentId)).title;
    expect(await title()).toBe('Offer for pumps');
    const embedded = await h.workspace.query<{ same: boolean }>(
      `select g.found_title = 'Offer for pumps' and g.title = '1.eml' as same from document_generations g where document_id = $1`,
      [documentId],
    );
    expect(embedded).toEqual([{ same: true }]);
    const again = await h.workspace.accept({ ...sent, bytes: mail('Offer for pumps') });
    expect(again.documents[0]?.unchanged).toBe(true);
    expect(await title()).toBe('Offer for pumps');
    await h.ingest({ ...sent, bytes: mail('untitled') });
    expect(await title()).toBe('1.eml');
    await h.ingest({ ...sent, bytes: mail('Offer for pumps'), title: 'My own' });
    expect(await title()).toBe('My own');
  });

  test('can be read in the list of workflows: search attributes, summaries of kinds and counts, no title', async () => {
    const key = await h.ingest({ ...markdownBytes(3), title: 'Very secret title' });
    const description = await h.handle(key).describe();
    expect(description.searchAttributes).toMatchObject({
      PerdureWorkspace: [h.workspace.workspaceId],
      PerdureDocument: [key.documentId],
      PerdureStatus: ['active'],
    });
    const history = await h.handle(key).fetchHistory();
    const decoded = textsOf(history).join('\n');
    expect(decoded).toContain('prepareDocument');
    expect(decoded).toContain('Extract and chunk; embed, verify and activate if small');
    expect(decoded).toMatch(/"state":"active","chunks":\d+/);
    expect(decoded).not.toContain('secret');
    expect(decoded).not.toContain('durable work');
    const kinds = history.events?.flatMap((event) =>
      event.activityTaskScheduledEventAttributes ? ['step'] : event.markerRecordedEventAttributes ? ['local step'] : [],
    );
    expect(kinds).toEqual(['local step']);
    // All of it is one workflow task: what Temporal does for a small document is next to nothing.
    const tasks = history.events?.filter((event) => event.workflowTaskCompletedEventAttributes);
    expect(tasks).toHaveLength(1);
  });

  test('a document of more chunks than a workflow task has time for goes through steps of their own', async () => {
    const key = await h.ingest(markdownBytes(largeSections));
    await h.expectServed(key);
    expect((await h.workspace.document(key.documentId)).latest?.expected_chunks).toBeGreaterThan(64);
    const history = await h.handle(key).fetchHistory();
    expect(textsOf(history).join('\n')).toMatch(/Embed chunks 1 to \d+ of \d+/);
    const kinds = history.events?.flatMap((event) =>
      event.activityTaskScheduledEventAttributes ? ['step'] : event.markerRecordedEventAttributes ? ['local step'] : [],
    );
    expect(kinds).toEqual(['local step', 'step', 'local step']);
  });

  test('reads HTML and UTF-16, with offsets into the extracted text', async () => {
    const html = '<html><nav>Menu</nav><main><h1>Title</h1><p>Plain <b>words</b> here.</p></main></html>';
    const page = await h.ingest({ bytes: Buffer.from(html), documentType: 'html', mimeType: 'text/html' });
    await h.expectServed(page);
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Größe 😀 und mehr.', 'utf16le')]);
    const wide = await h.ingest({ bytes: utf16, documentType: 'text', mimeType: 'text/plain' });
    await h.expectServed(wide);
    expect((await h.readText(page.documentId))?.content).toBe('# Title\n\nPlain words here.\n');
    expect((await h.readText(wide.documentId))?.content).toBe('Größe 😀 und mehr.');
  });

  test('serves the old generation until the new one is complete, then drops what it replaced', async () => {
    const first = await h.ingest({ ...markdownBytes(3, 'old'), sourcePath: 'a.md' });
    const seen: (number | null)[] = [];
    h.worker.around = async (name, run) => {
      if (name === 'embedChunks' || name === 'publishGeneration') {
        seen.push((await h.workspace.document(first.documentId)).active_generation);
      }
      return run();
    };
    const second = await h.ingest({ ...markdownBytes(largeSections, 'new'), sourcePath: 'a.md' });
    expect(second).toMatchObject({ documentId: first.documentId, generation: 2 });
    expect(seen).toEqual([1, 1]);
    await h.expectServed(second);
    const [{ found } = { found: -1 }] = await h.workspace.query<{ found: number }>(
      `select count(*)::int as found from document_chunks where document_id = $1 and content like '%old%'`,
      [first.documentId],
    );
    expect(found).toBe(0);
  });

  test('a model that is registered while it runs gets its vectors before the document is served', async () => {
    let added = false;
    h.worker.around = async (name, run) => {
      if (name === 'publishGeneration' && !added) {
        added = true;
        const modelId = await h.workspace.addModel({
          provider: 'openai',
          endpoint: h.provider.url,
          model: 'fake?dimensions=8',
          dimensions: 8,
        });
        await h.workspace.query(
          `insert into rag_tools (id, workspace_id, name, embedding_model_id)
           values (gen_random_uuid(), $1, 'second', $2)`,
          [h.workspace.workspaceId, modelId],
        );
      }
      return run();
    };
    const key = await h.ingest(markdownBytes(largeSections));
    expect(added).toBe(true);
    await h.expectServed(key, 2);
  });

  test('a small document, too, is served in its old version until it is complete, with what was registered meanwhile', async () => {
    const first = await h.ingest({ ...markdownBytes(3, 'old'), sourcePath: 'a.md' });
    h.provider.control({ reset: true, default: { firstTokenMs: 700 } });
    const second = await h.start(await h.accept({ ...markdownBytes(3, 'new'), sourcePath: 'a.md' }));
    await h.called();
    const modelId = await h.workspace.addModel({
      provider: 'openai',
      endpoint: h.provider.url,
      model: 'fake?dimensions=8',
      dimensions: 8,
    });
    await h.workspace.query(
      `insert into rag_tools (id, workspace_id, name, embedding_model_id) values (gen_random_uuid(), $1, 'second', $2)`,
      [h.workspace.workspaceId, modelId],
    );
    expect((await h.workspace.document(first.documentId)).active_generation).toBe(1);
    await h.ended(second);
    await h.expectServed(second, 2);
  });

  test('a document of many ranges and transactions is embedded whole, in two lanes', async () => {
    const ranges: number[] = [];
    h.worker.around = (name, run, args) => {
      if (name === 'embedChunks') ranges.push((args[1] as { from: number }).from);
      return run();
    };
    h.workspace = await createIngestWorkspace(h.database, { provider: 'openai', endpoint: h.provider.url });
    h.provider.control({ default: { vectors: 'constant' } });
    const key = await h.ingest(markdownBytes(300));
    await h.expectServed(key);
    expect((await h.workspace.document(key.documentId)).latest?.expected_chunks).toBeGreaterThan(1024);
    expect(ranges.toSorted((a, b) => a - b)).toEqual(ranges.map((_, index) => index * 256));
  });
});

describe('what cannot be ingested', () => {
  test('R31: a page without text fails with its reason, in the document and in the job', async () => {
    const page = {
      bytes: Buffer.from('<html><nav>Menu</nav></html>'),
      documentType: 'html',
      mimeType: 'text/html',
    } as const;
    const { documents, jobId } = await h.workspace.accept(page, markdownBytes(1));
    for (const key of documents) await h.start(key);
    expect(await h.ended(documents[0]!)).toEqual({ state: 'failed', chunks: 0 });
    await h.ended(documents[1]!);
    const metadata = await h.handle(documents[0]!).query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(metadata.currentDetails).toBe('failed: document_empty');
    expect(await h.workspace.document(documents[0]!.documentId)).toMatchObject({
      status: 'failed',
      error: { code: 'document_empty' },
      latest: { state: 'failed', stage: 'done' },
    });
    expect(await h.workspace.job(jobId)).toMatchObject({
      status: 'partial',
      processed_documents: 1,
      failed_documents: 1,
      progress_percent: 100,
      errors: [{ document: documents[0]!.documentId }],
    });
  });

  test("a refused key fails at once, with one request, and leaves no chunk and none of the provider's words", async () => {
    h.provider.control({ default: { failure: { kind: 'status', status: 401, message: 'Incorrect key: sk-secret' } } });
    const key = await h.ingest(markdownBytes(2));
    const document = await h.workspace.document(key.documentId);
    expect(document).toMatchObject({ status: 'failed', error: { code: 'provider_authentication' } });
    expect(JSON.stringify(document)).not.toContain('sk-secret');
    expect(h.provider.log()).toHaveLength(1);
    expect(await h.workspace.stored(key.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 1, contents: 0 });
  });

  test('a failed new generation leaves the old one served', async () => {
    const first = await h.ingest({ ...markdownBytes(2, 'old'), sourcePath: 'a.md' });
    h.provider.control({ default: { failure: { kind: 'status', status: 400 } } });
    await h.ingest({ ...markdownBytes(2, 'new'), sourcePath: 'a.md' });
    expect(await h.workspace.document(first.documentId)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      error: { code: 'provider_invalid_request' },
    });
    expect((await h.workspace.stored(first.documentId)).chunks).toBeGreaterThan(0);
  });

  test('a workspace without an embedding model says so', async () => {
    await h.workspace.query(`update models set is_active = false where workspace_id = $1`, [h.workspace.workspaceId]);
    const key = await h.ingest(markdownBytes(1));
    expect(await h.workspace.document(key.documentId)).toMatchObject({
      status: 'failed',
      error: { code: 'unknown_model' },
    });
  });
});
