import { describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { documentsChannel } from '../../contracts/names/limits.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { openEvents } from '../support/api/open-events.ts';
import { testApi, type Answer } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';

const api = testApi();

const create = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  api.call('POST', '/documents', { body, headers });
const idsOf = (answer: Answer): string[] => answer.json.data.map((item: { id: string }) => item.id);

/** Does to a generation's rows what a worker does in the end, and says so. */
async function finish(documentId: string, text: string): Promise<void> {
  await api.database.asOperator(async (em) => {
    await query(
      em,
      `update document_generations set state = 'active', stage = 'done', content = $2, expected_chunks = 0,
              completed_at = now() where document_id = $1 and generation = 1`,
      [documentId, text],
    );
    await query(em, `update documents set status = 'ready', active_generation = 1 where id = $1`, [documentId]);
    await query(
      em,
      `update ingestion_jobs set status = 'completed', processed_documents = total_documents, completed_at = now()
       where id = (select job_id from document_generations where document_id = $1 and generation = 1)`,
      [documentId],
    );
  });
  api.deps.notifier.notify(documentsChannel, [documentId]);
}

describe('POST /documents', () => {
  test('answers with the document and its job, both committed, and the workflow is started', async () => {
    const { status, json } = await create({
      text: '# Tea\n\nTea is hot.',
      path: 'drinks/tea.md',
      author: 'Ada',
      metadata: { a: 1 },
    });
    expect(status).toBe(202);
    expect(json.document).toMatchObject({
      title: 'Tea',
      document_type: 'markdown',
      path: 'drinks/tea.md',
      author: 'Ada',
      user: 'default',
      is_global: true,
      metadata: { a: 1 },
      status: 'accepted',
      active_generation: null,
      latest: { generation: 1, state: 'staging', stage: 'accepted', byte_size: 18, mime_type: 'text/markdown' },
    });
    expect(json.job).toMatchObject({ status: 'queued', total_documents: 1, progress_percent: 0, errors: [] });
    expect((await api.call('GET', `/documents/${json.document.id}`)).json).toEqual(json.document);
    expect((await api.call('GET', `/ingestion-jobs/${json.job.id}`)).json).toEqual(json.job);
    const started = await api.deps.temporal.workflow.getHandle(`ingest/${json.document.id}/1`).describe();
    expect(started.status.name).toBe('RUNNING');
    expect(started.taskQueue).toBe('ingest');
  });

  test('takes the document as the body itself, described by the query', async () => {
    const answer = await api.call('POST', '/documents?path=a%20b.html&title=Cocoa&metadata', {
      raw: '<h1>Hot cocoa</h1>',
      headers: { 'content-type': 'text/html' },
    });
    expectProblem(answer, 'bad_request');
    const accepted = await api.call('POST', '/documents?path=a%20b.html&is_global=false', {
      raw: '<title>Hot cocoa</title>',
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
    expect(accepted.json.document).toMatchObject({
      title: 'Hot cocoa',
      path: 'a b.html',
      document_type: 'html',
      is_global: false,
    });
  });

  test('takes bytes as base64', async () => {
    const content_base64 = Buffer.from('Kaffee schmeckt.').toString('base64');
    const { json } = await create({ content_base64, title: 'Kaffee' });
    expect(json.document).toMatchObject({ title: 'Kaffee', latest: { byte_size: 16 } });
  });

  test('makes a new generation for the same path, and nothing for the same content', async () => {
    const first = await create({ text: 'Water boils.', path: 'water.txt' });
    const same = await create({ text: 'Water boils.', path: 'water.txt' });
    const changed = await create({ text: 'Water freezes.', path: 'water.txt' });
    expect(same.json).toMatchObject({ unchanged: true, job: null, document: { id: first.json.document.id } });
    expect(changed.json).toMatchObject({
      unchanged: false,
      document: { id: first.json.document.id, latest: { generation: 2 } },
    });
  });

  test('names the user by the body, else by the header; such a document is not global', async () => {
    const byHeader = await create({ text: 'a' }, { 'x-perdure-user': 'ada' });
    const byBody = await create({ text: 'a', user: 'grace' }, { 'x-perdure-user': 'ada' });
    expect(byHeader.json.document).toMatchObject({ user: 'ada', is_global: false });
    expect(byBody.json.document).toMatchObject({ user: 'grace', is_global: false });
  });

  test('makes one users row for a hundred first sights', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, index) => create({ text: `note ${index}`, user: 'hedy' })));
    const rows = await api.database.asOperator((em) =>
      query(em, `select 1 from users where external_id = 'hedy' and workspace_id = $1`, [api.tenant.workspaceId]),
    );
    expect(rows).toHaveLength(1);
  });
});

test('POST /documents/batch accepts many in one job and says of each what became of it', async () => {
  await create({ text: 'Known already.', path: 'known.txt' });
  const documents = [
    { text: 'One.', path: 'one.txt' },
    { text: ' ', path: 'empty.txt' },
    { text: 'Known already.', path: 'known.txt' },
    { text: 'Two.', path: 'two.txt' },
  ];
  const { status, json } = await api.call('POST', '/documents/batch', { body: { documents } });
  expect(status).toBe(202);
  expect(json.job).toMatchObject({ status: 'queued', total_documents: 3, processed_documents: 1 });
  expect(json.documents).toMatchObject([
    { index: 0, path: 'one.txt', generation: 1, unchanged: false, error: null },
    { index: 1, path: 'empty.txt', document_id: null, error: { code: 'document_empty' } },
    { index: 2, path: 'known.txt', unchanged: true, error: null },
    { index: 3, path: 'two.txt', generation: 1, unchanged: false, error: null },
  ]);
  for (const index of [0, 3]) {
    const { json: document } = await api.call('GET', `/documents/${json.documents[index].document_id}`);
    const workflowId: string = document.latest.workflow_id;
    expect(workflowId).toMatch(/^ingest-batch\//);
    await until(
      () =>
        api.deps.temporal.workflow
          .getHandle(workflowId)
          .describe()
          .catch(() => null),
      { what: workflowId },
    );
  }
});

test('small documents of one request share a workflow where the model computes elsewhere', async () => {
  const become = (provider: string) =>
    api.database.asOperator((em) => query(em, `update models set provider = $1 where kind = 'embedding'`, [provider]));
  await become('openai');
  const documents = ['Three.', 'Four.'].map((text) => ({ text }));
  const { json } = await api.call('POST', '/documents/batch', { body: { documents } });
  await become('local');
  const ids: string[] = json.documents.map((document: { document_id: string }) => document.document_id);
  const shown = await api.call('GET', `/documents/${ids[0]}`);
  const workflowId = `ingest-batch/${json.job.id}/1`;
  expect(shown.json.latest).toMatchObject({ workflow_id: workflowId, job_id: json.job.id });
  const handle = api.deps.temporal.workflow.getHandle(workflowId);
  const started = await until(() => handle.describe().catch(() => null), { what: workflowId });
  for (const id of ids) expect(await started.staticDetails()).toContain(id);
});

describe('GET /documents', () => {
  test('pages through everything once, newest first', async () => {
    const wanted: string[] = [];
    for (let index = 0; index < 7; index += 1)
      wanted.unshift((await create({ text: `page ${index}`, user: 'pager' })).json.document.id);
    const found: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Answer = await api.call('GET', `/documents?user=pager&limit=3${cursor && `&cursor=${cursor}`}`);
      found.push(...idsOf(page).filter((id) => wanted.includes(id)));
      cursor = page.json.next_cursor;
    }
    expect(found).toEqual(wanted);
  });

  test('filters by status, source and path', async () => {
    const { json } = await create({ text: 'filter me', path: 'filter.txt' });
    const { id } = json.document;
    expect(idsOf(await api.call('GET', '/documents?path=filter.txt'))).toEqual([id]);
    expect(idsOf(await api.call('GET', '/documents?path=filter.txt&status=accepted'))).toEqual([id]);
    expect(idsOf(await api.call('GET', '/documents?path=filter.txt&status=failed'))).toEqual([]);
    expect(idsOf(await api.call('GET', '/documents?path=filter.txt&knowledge_source=uploads'))).toEqual([id]);
    expect(idsOf(await api.call('GET', '/documents?path=filter.txt&knowledge_source=nowhere'))).toEqual([]);
  });

  test('shows an end user their own documents and the global ones', async () => {
    const ada = (await create({ text: 'of ada', user: 'ada' })).json.document.id;
    const grace = (await create({ text: 'of grace', user: 'grace' })).json.document.id;
    const shared = (await create({ text: 'of all', user: 'grace', is_global: true })).json.document.id;
    const seen = idsOf(await api.call('GET', '/documents?limit=200', { headers: { 'x-perdure-user': 'ada' } }));
    expect([ada, grace, shared].map((id) => seen.includes(id))).toEqual([true, false, true]);
    const asAda = { headers: { 'x-perdure-user': 'ada' } };
    expectProblem(await api.call('GET', `/documents/${grace}`, asAda), 'not_found');
    expectProblem(await api.call('DELETE', `/documents/${grace}`, asAda), 'not_found');
    expect((await api.call('GET', `/documents/${shared}`, asAda)).status).toBe(200);
    expect((await api.call('GET', `/documents/${grace}`)).status).toBe(200);
  });
});

test('the content is the served generation as plain text, whatever it was', async () => {
  const { id } = (await create({ text: '<h1>Ünï</h1>', document_type: 'html' })).json.document;
  expectProblem(await api.call('GET', `/documents/${id}/content`), 'conflict');
  await finish(id, 'Ünï\n');
  const content = await api.call('GET', `/documents/${id}/content`);
  expect(content.text).toBe('Ünï\n');
  expect(content.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(content.headers.get('x-content-type-options')).toBe('nosniff');
  expect(content.headers.get('x-perdure-generation')).toBe('1');
});

describe('events', () => {
  test('of a document and its job tell progress, then that they are done, and end', async () => {
    const { json } = await create({ text: 'Watch me.' });
    const { id } = json.document;
    const document = await openEvents(api, `/documents/${id}/events`);
    const job = await openEvents(api, `/ingestion-jobs/${json.job.id}/events`);
    await until(async () => document.seen.length > 0 && job.seen.length > 0, { what: 'the first snapshots' });
    await api.database.asOperator((em) =>
      query(em, `update document_generations set stage = 'embedding' where document_id = $1`, [id]),
    );
    api.deps.notifier.notify(documentsChannel, [id]);
    await until(async () => document.seen.length > 1, { what: 'the second snapshot' });
    await finish(id, 'Watch me.');
    const [seen, seenJob] = await Promise.all([document.ended, job.ended]);
    expect(seen.map(({ event, data }) => [event, data.latest.stage])).toEqual([
      ['progress', 'accepted'],
      ['progress', 'embedding'],
      ['done', 'done'],
    ]);
    const ofJob = seenJob.filter(({ event }) => event !== 'document');
    expect(ofJob.map(({ event, data }) => [event, data.progress_percent])).toEqual([
      ['progress', 0],
      ['done', 100],
    ]);
    const ofDocuments = seenJob.filter(({ event }) => event === 'document');
    expect([ofDocuments[0], ofDocuments.at(-1)].map((event) => event?.data.stage)).toEqual(['accepted', 'done']);
  });

  test('of a deleted document say so and end', async () => {
    const { id } = (await create({ text: 'Delete me.' })).json.document;
    const events = await openEvents(api, `/documents/${id}/events`);
    await until(async () => events.seen.length > 0, { what: 'the first snapshot' });
    expect((await api.call('DELETE', `/documents/${id}`)).status).toBe(204);
    expect((await events.ended).at(-1)).toEqual({ id: null, event: 'deleted', data: { id } });
  });
});

test('a deleted document is gone for good', async () => {
  const { id } = (await create({ text: 'Short life.', path: 'gone.txt' })).json.document;
  await finish(id, 'Short life.');
  const deleted = await api.call('DELETE', `/documents/${id}`);
  expect([deleted.status, deleted.text]).toEqual([204, '']);
  expectProblem(await api.call('GET', `/documents/${id}`), 'not_found');
  expectProblem(await api.call('GET', `/documents/${id}/content`), 'not_found');
  expectProblem(await api.call('DELETE', `/documents/${id}`), 'not_found');
  expect(idsOf(await api.call('GET', '/documents?path=gone.txt'))).toEqual([]);
});
