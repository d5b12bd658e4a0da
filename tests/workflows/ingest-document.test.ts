import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { workflowIds } from '../../contracts/names/workflows.ts';
import type { IngestDocumentResult } from '../../contracts/names/workflows.ts';
import { deleteDocument, readDocumentContent } from '../../entities/document-repository.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { createWorkStarter } from '../../platform/work-starter.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { startIngestWorker, type IngestWorker, type StepName } from '../support/workspaces/ingest-worker.ts';
import { createIngestWorkspace, markdownText, type IngestWorkspace } from '../support/workspaces/ingest-workspace.ts';

jest.setTimeout(90_000);
const rows = testDatabase();
const temporal = testTemporal();
let database: Database;
let provider: FakeProvider;
let connection: Connection;
let client: Client;
let worker: IngestWorker;
let workspace: IngestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 20 }, 'test');
  provider = await startFakeProvider();
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  worker = await startIngestWorker(database, temporal);
});
beforeEach(async () => {
  workspace = await createIngestWorkspace(database, { provider: 'openai', endpoint: provider.url, maxBatch: 8 });
});
afterEach(() => {
  provider.control({ reset: true });
  worker.around = (_, run) => run();
});
afterAll(async () => {
  await worker?.stop();
  await connection?.close();
  await provider?.stop();
  await database?.close();
});

type Key = { documentId: string; generation: number };

const bytes = (sections: number, mark?: string) => ({ bytes: Buffer.from(markdownText(sections, mark)) });
const handle = (key: Key) => client.workflow.getHandle(workflowIds.ingestDocument(key.documentId, key.generation));

async function start(key: Key): Promise<Key> {
  await createWorkStarter(client).startIngest({ workspaceId: workspace.workspaceId, ...key });
  return key;
}

async function accept(...documents: Parameters<IngestWorkspace['accept']>): Promise<Key & { jobId: string | null }> {
  const accepted = await workspace.accept(...documents);
  const { documentId, generation } = accepted.documents[0]!;
  return { documentId, generation, jobId: accepted.jobId };
}

async function ingest(...documents: Parameters<IngestWorkspace['accept']>): Promise<Key & { jobId: string | null }> {
  const key = await accept(...documents);
  await start(key);
  await ended(key);
  return key;
}

const ended = (key: Key) => handle(key).result() as Promise<IngestDocumentResult>;

/** What must hold for every generation that is served: each expected chunk is there once, with one vector a model. */
async function expectServed(key: Key, models = 1): Promise<void> {
  const document = await workspace.document(key.documentId);
  expect(document).toMatchObject({ status: 'ready', active_generation: key.generation, error: null });
  const chunks = await workspace.query<{ content: string; start_char: number; end_char: number; vectors: number }>(
    `select c.content, c.start_char, c.end_char,
            (select count(*)::int from chunk_embeddings e where e.document_id = c.document_id
              and e.generation = c.generation and e.chunk_index = c.chunk_index) as vectors
     from document_chunks c where c.document_id = $1 and c.generation = $2 order by c.chunk_index`,
    [key.documentId, key.generation],
  );
  const text = await database.inWorkspace(workspace.workspaceId, (em) => readDocumentContent(em, key.documentId));
  expect(chunks.length).toBeGreaterThan(0);
  expect(document.latest?.expected_chunks).toBe(chunks.length);
  expect(document.latest?.embedded_chunks).toBe(chunks.length);
  expect(new Set(chunks.map((chunk) => chunk.vectors))).toEqual(new Set([models]));
  for (const chunk of chunks) expect(text?.content.slice(chunk.start_char, chunk.end_char)).toBe(chunk.content);
  expect(chunks.at(-1)?.end_char).toBe(text?.content.length);
  expect(await workspace.stored(key.documentId)).toMatchObject({
    chunks: chunks.length,
    embeddings: chunks.length * models,
  });
}

/** Every text and payload in a history. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

describe('an ingestion', () => {
  test('serves a document with its chunks, vectors, job and usage', async () => {
    const key = await accept({ ...bytes(6), title: 'Guide' });
    await start(key);
    const result = await ended(key);
    await expectServed(key);
    const document = await workspace.document(key.documentId);
    expect(result).toEqual({ state: 'active', chunks: document.latest?.expected_chunks });
    expect(await workspace.job(key.jobId)).toMatchObject({
      status: 'completed',
      processed_documents: 1,
      progress_percent: 100,
      errors: [],
    });
    const usage = await workspace.query<{ id: string; state: string; prompt_tokens: number; cost: string }>(
      `select id, state, prompt_tokens, cost from usage_metrics where entity_id = $1 order by step`,
      [key.documentId],
    );
    const calls = provider.log();
    expect(calls.length).toBeGreaterThan(1);
    expect(usage.map((row) => [row.id, row.state, row.prompt_tokens])).toEqual(
      calls.map((call) => [call.idempotencyKey, 'settled', call.promptTokens]),
    );
    expect(usage[0]?.cost).toBe((calls[0]!.promptTokens / 1e7).toFixed(10));
    const headings = await workspace.query<{ metadata: { headings?: string[] } }>(
      `select metadata from document_chunks where document_id = $1 order by chunk_index desc limit 1`,
      [key.documentId],
    );
    expect(headings[0]?.metadata.headings).toEqual(['Section 5 plain']);
  });

  test('can be read in the list of workflows: search attributes, summaries of kinds and counts, no title', async () => {
    const key = await ingest({ ...bytes(3), title: 'Very secret title' });
    const description = await handle(key).describe();
    expect(description.searchAttributes).toMatchObject({
      PerdureWorkspace: [workspace.workspaceId],
      PerdureDocument: [key.documentId],
      PerdureStatus: ['active'],
    });
    const history = await handle(key).fetchHistory();
    const decoded = textsOf(history).join('\n');
    expect(decoded).toContain('Extract and chunk');
    expect(decoded).toMatch(/Embed chunks 1 to \d+ of \d+/);
    expect(decoded).toContain('Verify and activate');
    expect(decoded).not.toContain('secret');
    expect(decoded).not.toContain('durable work');
    const steps = history.events?.filter((event) => event.activityTaskScheduledEventAttributes);
    expect(steps).toHaveLength(3);
  });

  test('reads HTML and UTF-16, with offsets into the extracted text', async () => {
    const html = '<html><nav>Menu</nav><main><h1>Title</h1><p>Plain <b>words</b> here.</p></main></html>';
    const page = await ingest({ bytes: Buffer.from(html), documentType: 'html', mimeType: 'text/html' });
    await expectServed(page);
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Größe 😀 und mehr.', 'utf16le')]);
    const wide = await ingest({ bytes: utf16, documentType: 'text', mimeType: 'text/plain' });
    await expectServed(wide);
    const read = (documentId: string) =>
      database.inWorkspace(workspace.workspaceId, (em) => readDocumentContent(em, documentId));
    expect((await read(page.documentId))?.content).toBe('# Title\n\nPlain words here.\n');
    expect((await read(wide.documentId))?.content).toBe('Größe 😀 und mehr.');
  });

  test('serves the old generation until the new one is complete, then drops what it replaced', async () => {
    const first = await ingest({ ...bytes(3, 'old'), sourcePath: 'a.md' });
    const seen: (number | null)[] = [];
    worker.around = async (name, run) => {
      if (name === 'embedChunks' || name === 'publishGeneration') {
        seen.push((await workspace.document(first.documentId)).active_generation);
      }
      return run();
    };
    const second = await ingest({ ...bytes(4, 'new'), sourcePath: 'a.md' });
    expect(second).toMatchObject({ documentId: first.documentId, generation: 2 });
    expect(seen).toEqual([1, 1]);
    await expectServed(second);
    const [{ found } = { found: -1 }] = await workspace.query<{ found: number }>(
      `select count(*)::int as found from document_chunks where document_id = $1 and content like '%old%'`,
      [first.documentId],
    );
    expect(found).toBe(0);
  });

  test('a model that is registered while it runs gets its vectors before the document is served', async () => {
    let added = false;
    worker.around = async (name, run) => {
      if (name === 'publishGeneration' && !added) {
        added = true;
        const modelId = await workspace.addModel({
          provider: 'openai',
          endpoint: provider.url,
          model: 'fake?dimensions=8',
          dimensions: 8,
        });
        await workspace.query(
          `insert into rag_tools (id, workspace_id, name, embedding_model_id)
           values (gen_random_uuid(), $1, 'second', $2)`,
          [workspace.workspaceId, modelId],
        );
      }
      return run();
    };
    await expectServed(await ingest(bytes(3)), 2);
  });

  test('a document of many ranges and transactions is embedded whole, in two lanes', async () => {
    const ranges: number[] = [];
    worker.around = (name, run, args) => {
      if (name === 'embedChunks') ranges.push((args[1] as { from: number }).from);
      return run();
    };
    workspace = await createIngestWorkspace(database, { provider: 'openai', endpoint: provider.url });
    provider.control({ default: { vectors: 'constant' } });
    const key = await ingest(bytes(300));
    await expectServed(key);
    expect((await workspace.document(key.documentId)).latest?.expected_chunks).toBeGreaterThan(1024);
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
    const { documents, jobId } = await workspace.accept(page, bytes(1));
    for (const key of documents) await start(key);
    expect(await ended(documents[0]!)).toEqual({ state: 'failed', chunks: 0 });
    await ended(documents[1]!);
    expect(await workspace.document(documents[0]!.documentId)).toMatchObject({
      status: 'failed',
      error: { code: 'document_empty' },
      latest: { state: 'failed', stage: 'done' },
    });
    expect(await workspace.job(jobId)).toMatchObject({
      status: 'partial',
      processed_documents: 1,
      failed_documents: 1,
      progress_percent: 100,
      errors: [{ document: documents[0]!.documentId }],
    });
  });

  test("a refused key fails at once, with one request, and leaves no chunk and none of the provider's words", async () => {
    provider.control({ default: { failure: { kind: 'status', status: 401, message: 'Incorrect key: sk-secret' } } });
    const key = await ingest(bytes(2));
    const document = await workspace.document(key.documentId);
    expect(document).toMatchObject({ status: 'failed', error: { code: 'provider_authentication' } });
    expect(JSON.stringify(document)).not.toContain('sk-secret');
    expect(provider.log()).toHaveLength(1);
    expect(await workspace.stored(key.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 1, contents: 0 });
  });

  test('a failed new generation leaves the old one served', async () => {
    const first = await ingest({ ...bytes(2, 'old'), sourcePath: 'a.md' });
    provider.control({ default: { failure: { kind: 'status', status: 400 } } });
    await ingest({ ...bytes(2, 'new'), sourcePath: 'a.md' });
    expect(await workspace.document(first.documentId)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      error: { code: 'provider_invalid_request' },
    });
    expect((await workspace.stored(first.documentId)).chunks).toBeGreaterThan(0);
  });

  test('a workspace without an embedding model says so', async () => {
    await workspace.query(`update models set is_active = false where workspace_id = $1`, [workspace.workspaceId]);
    const key = await ingest(bytes(1));
    expect(await workspace.document(key.documentId)).toMatchObject({
      status: 'failed',
      error: { code: 'unknown_model' },
    });
  });
});

describe('a provider that limits', () => {
  test('R8, R37: 30 % of 429 with Retry-After: complete, one request an attempt, no stored chunk paid again', async () => {
    const key = await accept(bytes(12));
    let calls = 0;
    // Every third request is refused, as long as the document takes.
    const refuse = {
      on: 'embeddings',
      failure: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    } as const;
    provider.control({
      script: Array.from({ length: 12 }, () => (++calls % 3 === 0 ? refuse : { on: 'embeddings' as const })),
    });
    await start(key);
    await ended(key);
    await expectServed(key);
    const log = provider.log();
    const paid = log.filter((call) => call.outcome === 'finished');
    const refused = log.filter((call) => call.outcome === 'failed');
    expect(refused.length).toBeGreaterThanOrEqual(2);
    const texts = paid.reduce((sum, call) => sum + call.texts, 0);
    expect(texts).toBe((await workspace.document(key.documentId)).latest?.expected_chunks);
    for (const call of refused) {
      const next = log.find((other) => other.id > call.id);
      expect((next?.startedAt ?? 0) - call.startedAt).toBeGreaterThanOrEqual(1000);
    }
    const usage = await workspace.query<{ state: string; total_tokens: number | null }>(
      `select state, total_tokens from usage_metrics where entity_id = $1`,
      [key.documentId],
    );
    expect(usage.filter((row) => row.state === 'settled')).toHaveLength(paid.length);
    expect(usage.filter((row) => row.state === 'unknown' && row.total_tokens === null)).toHaveLength(refused.length);
    expect(usage).toHaveLength(log.length);
  });

  test('R36: a broken connection is tried again', async () => {
    provider.control({ script: [{ failure: { kind: 'reset' } }, { failure: { kind: 'status', status: 500 } }] });
    await expectServed(await ingest(bytes(2)));
    expect(provider.log().length).toBeGreaterThanOrEqual(3);
  });
});

describe('a cancel and a delete', () => {
  test('R2: a cancel stops the work and leaves nothing', async () => {
    provider.control({ default: { firstTokenMs: 30_000 } });
    const key = await start(await accept(bytes(4)));
    await called();
    const before = Date.now();
    await handle(key).cancel();
    expect(await ended(key)).toEqual({ state: 'cancelled', chunks: 0 });
    expect(Date.now() - before).toBeLessThan(5000);
    expect(await workspace.document(key.documentId)).toMatchObject({
      status: 'cancelled',
      error: { code: 'cancelled' },
    });
    expect(await workspace.stored(key.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 0, contents: 0 });
    await callEnded();
  });

  test('R3, R6: a delete during the ingest ends it quietly and leaves nothing', async () => {
    provider.control({ default: { firstTokenMs: 600 } });
    const key = await start(await accept(bytes(4)));
    await called();
    const deleted = await database.inWorkspace(workspace.workspaceId, (em) =>
      deleteDocument(em, { workspaceId: workspace.workspaceId, documentId: key.documentId }),
    );
    expect(deleted.abandoned).toMatchObject([{ generation: 1 }]);
    expect(await ended(key)).toEqual({ state: 'abandoned', chunks: 0 });
    expect(await workspace.stored(key.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 0, contents: 0 });
    expect(provider.log().length).toBeLessThanOrEqual(2);
  });

  async function called(): Promise<void> {
    while (provider.log().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async function callEnded(): Promise<void> {
    while (provider.log().some((call) => call.outcome === 'running'))
      await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

const stepNames: StepName[] = ['prepareDocument', 'embedChunks', 'publishGeneration', 'dropSuperseded'];
const crash = () => ApplicationFailure.retryable('The worker died here.', 'internal');

describe('a crash', () => {
  async function replaced(): Promise<Key> {
    await ingest({ ...bytes(2, 'old'), sourcePath: 'a.md' });
    provider.control({ reset: true });
    return accept({ ...bytes(5, 'new'), sourcePath: 'a.md' });
  }

  test.each(stepNames)(
    'R1: before or after %s: everything is there once, and nothing stored was paid again',
    async (crashing) => {
      const key = await replaced();
      const crashed = new Set<string>();
      worker.around = async (name, run) => {
        if (name !== crashing) return run();
        if (!crashed.has('before')) {
          crashed.add('before');
          throw crash();
        }
        const result = await run();
        if (!crashed.has('after')) {
          crashed.add('after');
          throw crash();
        }
        return result;
      };
      await start(key);
      expect(await ended(key)).toMatchObject({ state: 'active' });
      expect(crashed.size).toBe(2);
      await expectServed(key);
      const paid = provider.log().reduce((sum, call) => sum + call.texts, 0);
      expect(paid).toBe((await workspace.document(key.documentId)).latest?.expected_chunks);
    },
  );

  test('each step run twice gives the same answer and the same rows', async () => {
    const key = await replaced();
    const answers: [string, unknown, unknown][] = [];
    worker.around = async (name, run) => {
      const first = await run();
      const second = await run();
      answers.push([name, first, second]);
      return second;
    };
    await start(key);
    await ended(key);
    await expectServed(key);
    expect(new Set(answers.map(([name]) => name))).toEqual(new Set(stepNames));
    for (const [name, first, second] of answers) {
      if (name === 'embedChunks') expect(second).toEqual({ embedded: 0 });
      else if (name === 'dropSuperseded') expect(second).toEqual({ dropped: 0 });
      else expect(second).toEqual(first);
    }
  });

  test('the compensation run twice, and after a crash, undoes everything once', async () => {
    provider.control({ default: { failure: { kind: 'status', status: 400 } } });
    let runs = 0;
    worker.around = async (name, run) => {
      if (name !== 'failGeneration') return run();
      runs += 1;
      const result = await run();
      if (runs === 1) throw crash();
      return result;
    };
    const key = await accept(bytes(2), bytes(1, 'other'));
    await start(key);
    expect(await ended(key)).toEqual({ state: 'failed', chunks: 0 });
    expect(runs).toBe(2);
    expect(await workspace.job(key.jobId)).toMatchObject({ status: 'processing', failed_documents: 1 });
  });

  test('a workflow that is started again for the same generation takes over, and the former run can write nothing', async () => {
    provider.control({ script: [{ firstTokenMs: 1500 }] });
    const key = await start(await accept(bytes(4)));
    while (provider.log().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await handle(key).terminate('an operator');
    await start(key);
    expect(await ended(key)).toMatchObject({ state: 'active' });
    await new Promise((resolve) => setTimeout(resolve, 1700));
    await expectServed(key);
  });
});
