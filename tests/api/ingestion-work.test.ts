import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { query } from '../../entities/sql.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { openEvents } from '../support/api/open-events.ts';
import { testApi } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';
import { startIngestWorker, type IngestWorker } from '../support/workspaces/ingest-worker.ts';

jest.setTimeout(120_000);
const api = testApi();
let worker: IngestWorker;

beforeAll(async () => {
  worker = await startIngestWorker(api.database, api.temporal);
});
afterEach(() => {
  worker.around = (_, run) => run();
});
afterAll(() => worker?.stop());

const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  api.call('POST', path, { headers, ...(body === undefined ? {} : { body }) });

type Shown = { status: string; latest: { state: string; generation: number } | null };

async function ended(id: string, generation: number) {
  return until(
    async () => {
      const { json } = await api.call('GET', `/documents/${id}`);
      const { latest } = json as Shown;
      return latest?.generation === generation && latest.state !== 'staging' ? json : null;
    },
    { what: `the end of generation ${generation} of ${id}`, timeoutMs: 30_000 },
  );
}

/** Embedding fails for good until the test says otherwise. */
function refuseKey(): void {
  worker.around = async (name, run) => {
    if (name !== 'embedChunks') return run();
    throw ApplicationFailure.nonRetryable('The provider refused the key.', 'provider_authentication');
  };
}

/** Holds embedding, or the step that does all of a batch; resolves once it has begun. */
function holdEmbedding(): { begun: Promise<void>; release: () => void } {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const begun = new Promise<void>((resolve) => {
    worker.around = async (name, run) => {
      if (name === 'embedChunks' || name === 'ingestSmall') {
        resolve();
        await held;
      }
      return run();
    };
  });
  return { begun, release };
}

const jobDone = (id: string) =>
  until(
    async () => {
      const { json } = await api.call('GET', `/ingestion-jobs/${id}`);
      return ['queued', 'processing'].includes(json.status) ? null : json;
    },
    { what: `the end of job ${id}`, timeoutMs: 30_000 },
  );

describe('a retry', () => {
  test('ingests a failed document again from the bytes that were kept, and shows the reason and a hint until then', async () => {
    refuseKey();
    const { json } = await post('/documents', { text: '# Tea\n\nTea is hot.', path: 'tea.md' });
    const failed = await ended(json.document.id, 1);
    expect(failed).toMatchObject({
      status: 'failed',
      error: { code: 'provider_authentication', hint: expect.stringContaining('retry') },
      latest: { state: 'failed', percent: 100, queue_wait_ms: expect.any(Number), restarts: 0 },
    });
    worker.around = (_, run) => run();
    const key = { 'idempotency-key': 'retry once' };
    const retried = await post(`/documents/${json.document.id}/retry`, undefined, key);
    expect(retried.status).toBe(202);
    expect(retried.json).toMatchObject({
      job: { status: 'queued', total_documents: 1 },
      documents: [{ document_id: json.document.id, generation: 2 }],
    });
    expect(retried.json.job.id).not.toBe(json.job.id);
    expect((await post(`/documents/${json.document.id}/retry`, undefined, key)).json).toEqual(retried.json);
    expect(await ended(json.document.id, 2)).toMatchObject({ status: 'ready', active_generation: 2, error: null });
    expectProblem(await post(`/documents/${json.document.id}/retry`), 'conflict');
    expect((await api.call('GET', `/documents/${json.document.id}/content`)).text).toContain('Tea is hot.');
  });

  test('R9: a new version that fails leaves the old one served, shows both, and can be retried', async () => {
    const { json } = await post('/documents', { text: 'The first version.', path: 'both.md' });
    await ended(json.document.id, 1);
    refuseKey();
    await post('/documents', { text: 'The second version.', path: 'both.md' });
    expect(await ended(json.document.id, 2)).toMatchObject({
      status: 'ready',
      active_generation: 1,
      error: { code: 'provider_authentication' },
      latest: { generation: 2, state: 'failed' },
    });
    worker.around = (_, run) => run();
    await post(`/documents/${json.document.id}/retry`, {});
    expect(await ended(json.document.id, 3)).toMatchObject({ status: 'ready', active_generation: 3, error: null });
    expect((await api.call('GET', `/documents/${json.document.id}/content`)).text).toContain('second version');
  });

  test('of a job ingests what failed or was cancelled, and nothing else', async () => {
    worker.around = async <T>(name: string, run: () => Promise<T>, args: readonly unknown[]): Promise<T> => {
      // The batch leaves each to a workflow of its own.
      if (name === 'ingestSmall') {
        const [{ documents: left }] = args as [{ documents: unknown[] }];
        return { active: 0, gone: 0, left, superseded: [] } as T;
      }
      const [{ documentId }] = args as [{ documentId: string }];
      const { json } = await api.call('GET', `/documents/${documentId}`);
      if (name === 'embedChunks' && json.path !== 'job/a.md')
        throw ApplicationFailure.nonRetryable('Not now.', 'provider_invalid_request');
      return run();
    };
    const documents = ['a', 'b', 'c'].map((name) => ({ path: `job/${name}.md`, text: `Text of ${name}.` }));
    const { json } = await post('/documents/batch', { documents });
    expect(await jobDone(json.job.id)).toMatchObject({
      status: 'partial',
      processed_documents: 1,
      failed_documents: 2,
      progress_percent: 100,
      errors: [{ error: 'provider_invalid_request: Not now.' }, { error: 'provider_invalid_request: Not now.' }],
    });
    worker.around = (_, run) => run();
    const retried = await post(`/ingestion-jobs/${json.job.id}/retry`);
    expect(retried.json.documents.map((one: { document_id: string }) => one.document_id).toSorted()).toEqual(
      json.documents
        .slice(1)
        .map((one: { document_id: string }) => one.document_id)
        .toSorted(),
    );
    expect(await jobDone(retried.json.job.id)).toMatchObject({ status: 'completed', processed_documents: 2 });
    expect((await post(`/ingestion-jobs/${json.job.id}/retry`)).json).toEqual({ job: null, documents: [] });
  });
});

describe('a cancel', () => {
  test('R2: of a document is final once answered, and can be retried', async () => {
    const { begun, release } = holdEmbedding();
    const { json } = await post('/documents', { text: 'To be cancelled.', path: 'cancel.md' });
    await begun;
    const cancelled = await post(`/documents/${json.document.id}/cancel`);
    expect(cancelled.status).toBe(200);
    expect(cancelled.json).toMatchObject({ status: 'cancelled', latest: { state: 'abandoned' } });
    release();
    expect((await post(`/documents/${json.document.id}/cancel`)).json).toMatchObject({ status: 'cancelled' });
    const handle = api.deps.temporal.workflow.getHandle(`ingest/${json.document.id}/1`);
    await until(async () => (await handle.describe()).status.name !== 'RUNNING', { what: 'the end of the workflow' });
    const [left] = await api.database.asOperator((em) =>
      query<{ chunks: number; embeddings: number }>(
        em,
        `select (select count(*)::int from document_chunks where document_id = $1) as chunks,
                (select count(*)::int from chunk_embeddings where document_id = $1) as embeddings`,
        [json.document.id],
      ),
    );
    expect(left).toEqual({ chunks: 0, embeddings: 0 });
    expect(await jobDone(json.job.id)).toMatchObject({ status: 'failed', failed_documents: 1 });
    await post(`/documents/${json.document.id}/retry`);
    expect(await ended(json.document.id, 2)).toMatchObject({ status: 'ready', active_generation: 2 });
  });

  test('R2: of a job stops all its documents at once', async () => {
    const { begun, release } = holdEmbedding();
    const documents = ['a', 'b', 'c'].map((name) => ({ path: `stop/${name}.md`, text: `Text of ${name}.` }));
    const { json } = await post('/documents/batch', { documents });
    await begun;
    const cancelled = await post(`/ingestion-jobs/${json.job.id}/cancel`);
    expect(cancelled.json).toMatchObject({ status: 'failed', failed_documents: 3, processed_documents: 0 });
    expect(cancelled.json.errors).toHaveLength(3);
    release();
    const retried = await post(`/ingestion-jobs/${json.job.id}/retry`);
    expect(await jobDone(retried.json.job.id)).toMatchObject({ status: 'completed', processed_documents: 3 });
  });
});

test('R6: a search for the words of a deleted document finds nothing', async () => {
  const { json } = await post('/documents', { text: 'The quetzal nests in cloud forests.', path: 'quetzal.md' });
  await ended(json.document.id, 1);
  const found = async () => {
    const answer = await post('/search', { query: 'quetzal' });
    expect(answer.status).toBe(200);
    return JSON.stringify(answer.json).includes('cloud forests');
  };
  expect(await found()).toBe(true);
  await api.call('DELETE', `/documents/${json.document.id}`);
  expect(await found()).toBe(false);
  const [left] = await api.database.asOperator((em) =>
    query<{ vectors: number; kept: number; blobs: number }>(
      em,
      `select (select count(*)::int from chunk_embeddings where document_id = $1) as vectors,
              (select count(*)::int from embedding_cache where document_id = $1) as kept,
              (select count(*)::int from blobs where document_id = $1) as blobs`,
      [json.document.id],
    ),
  );
  expect(left).toEqual({ vectors: 0, kept: 0, blobs: 0 });
});

describe('a form', () => {
  const form = (fields: [string, string][], files: [string, string][]) => {
    const data = new FormData();
    for (const [name, value] of fields) data.append(name, value);
    for (const [name, text] of files) data.append('file', new Blob([text]), name);
    return data;
  };
  const send = (data: FormData) =>
    fetch(`${api.url}/documents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.tenant.key}` },
      body: data,
    });

  test('R5: uploads, links and processes several files as one job on the server', async () => {
    const response = await send(
      form(
        [
          ['metadata', '{"team": "sales"}'],
          ['user', 'ada'],
        ],
        [
          ['one.md', '# One\n\nText.'],
          ['two.txt', 'Two.'],
          ['none.txt', ''],
        ],
      ),
    );
    expect(response.status).toBe(202);
    const answer = (await response.json()) as { job: { id: string }; documents: Record<string, unknown>[] };
    expect(answer.documents).toMatchObject([
      { index: 0, path: 'one.md', unchanged: false, error: null },
      { index: 1, path: 'two.txt', unchanged: false, error: null },
      { index: 2, path: 'none.txt', document_id: null, error: { code: 'document_empty', hint: expect.any(String) } },
    ]);
    expect(await jobDone(answer.job.id)).toMatchObject({ status: 'completed', total_documents: 2 });
    const { json } = await api.call('GET', `/documents/${String(answer.documents[0]!['document_id'])}`);
    expect(json).toMatchObject({
      title: 'One',
      path: null,
      user: 'ada',
      is_global: false,
      metadata: { team: 'sales', file_name: 'one.md' },
      status: 'ready',
    });
  });

  test('R10: the same file twice is two documents; with a path it is one', async () => {
    const both = await (
      await send(
        form(
          [],
          [
            ['same.md', 'Same.'],
            ['same.md', 'Same.'],
          ],
        ),
      )
    ).json();
    const ids = (both as { documents: { document_id: string }[] }).documents.map((one) => one.document_id);
    expect(new Set(ids).size).toBe(2);
    const paths: [string, string][] = [
      ['path', 'x/same.md'],
      ['path', 'x/same.md'],
    ];
    const one = await (
      await send(
        form(paths, [
          ['a.md', 'Same.'],
          ['b.md', 'Same.'],
        ]),
      )
    ).json();
    expect((one as { documents: unknown[] }).documents).toMatchObject([{ unchanged: false }, { unchanged: true }]);
  });

  test('says what does not fit', async () => {
    const refused = async (data: FormData) => ((await (await send(data)).json()) as { detail: string }).detail;
    expect(await refused(form([], []))).toMatch(/no file/);
    expect(
      await refused(
        form(
          [['path', 'a']],
          [
            ['a.md', 'A'],
            ['b.md', 'B'],
          ],
        ),
      ),
    ).toMatch(/one path for each/);
    expect(await refused(form([['metadata', '[1']], [['a.md', 'A']]))).toMatch(/JSON object/);
    expect(await refused(form([['nonsense', '1']], [['a.md', 'A']]))).toMatch(/nonsense/);
  });
});

describe('the events of a job', () => {
  test('tell of each document at each change, then of the end; a broken stream goes on behind the last event', async () => {
    const { begun, release } = holdEmbedding();
    const documents = ['a', 'b'].map((name) => ({ path: `events/${name}.md`, text: `Text of ${name}.` }));
    const { json } = await post('/documents/batch', { documents });
    await begun;
    const events = await openEvents(api, `/ingestion-jobs/${json.job.id}/events`);
    await until(async () => events.seen.some(({ event }) => event === 'document'), { what: 'a first event' });
    release();
    const seen = await events.ended;
    expect(seen.at(-1)).toMatchObject({ event: 'done', data: { status: 'completed', processed_documents: 2 } });
    for (const { path } of documents) {
      const own = seen.filter(({ event, data }) => event === 'document' && data.path === path);
      expect(own.at(-1)).toMatchObject({
        data: { state: 'active', stage: 'done', percent: 100, chunks: 1, characters: 10, error: null },
      });
      expect(own.map(({ data }) => data.percent)).toEqual(
        own.map(({ data }) => data.percent).toSorted((a, b) => a - b),
      );
    }
    const ids = seen.flatMap(({ id }) => (id === null ? [] : [Number(id)]));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    const again = await openEvents(api, `/ingestion-jobs/${json.job.id}/events`, { 'last-event-id': String(ids[0]) });
    const resumed = await again.ended;
    expect(resumed.at(-1)?.event).toBe('done');
    expect(resumed.filter(({ event, data }) => event === 'document' && data.state === 'active')).toHaveLength(2);
  });
});
