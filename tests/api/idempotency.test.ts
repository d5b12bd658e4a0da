import { describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { createTenant } from '../support/api/create-tenant.ts';
import { closedRoutes } from '../support/api/every-route.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi, type Sent } from '../support/api/test-api.ts';

const api = testApi();

let keys = 0;
const newKey = () => `key-${(keys += 1)}`;
const post = (path: string, key: string, sent: Sent) =>
  api.call('POST', path, { ...sent, headers: { ...sent.headers, 'idempotency-key': key } });
const countRows = (table: string, workspaceId = api.tenant.workspaceId) =>
  api.database.asOperator(async (em) => {
    const [row] = await query<{ n: string }>(em, `select count(*) as n from ${table} where workspace_id = $1`, [
      workspaceId,
    ]);
    return Number(row!.n);
  });

test('every POST that creates something honours the key', () => {
  const creating = closedRoutes.filter(
    ([, { method, responses }]) => method === 'POST' && (201 in responses || 202 in responses),
  );
  const without = creating.filter(([, route]) => !route.idempotent).map(([name]) => name);
  // Asking twice for a cancel or for upkeep is the same as asking once, without any key.
  expect(without).toEqual([
    'POST /turns/{id}/cancel',
    'POST /models/{id}/vector-index/maintain',
    'POST /models/{id}/vector-index/maintain/cancel',
    'POST /knowledge-sources/{id}/sync/cancel',
    'POST /knowledge-sources/{id}/embedding-model/cancel',
    'POST /rag-tools/{id}/embedding-model/cancel',
  ]);
});

describe.each(['/documents', '/conversations', '/agents'] as const)('POST %s', (path) => {
  const body = {
    '/documents': { text: 'Cats sleep.', path: 'cats.txt' },
    '/conversations': { title: 'Cats' },
    '/agents': { name: 'cats', model: 'extractive' },
  }[path];
  const table = path.slice(1);

  test('the same key and body give the stored answer and one row', async () => {
    const key = newKey();
    const before = await countRows(table);
    const first = await post(path, key, { body });
    const second = await post(path, key, { body });
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect([second.status, second.json]).toEqual([first.status, first.json]);
    expect(await countRows(table)).toBe(before + 1);
  });
});

test('the same key with another body, address or user is a conflict and changes nothing', async () => {
  const key = newKey();
  await post('/conversations', key, { body: { title: 'one' } });
  const before = [await countRows('conversations'), await countRows('documents'), await countRows('users')];
  expectProblem(await post('/conversations', key, { body: { title: 'two' } }), 'idempotency_conflict');
  expectProblem(await post('/documents', key, { body: { text: 'a' } }), 'idempotency_conflict');
  const asAda = { body: { title: 'one' }, headers: { 'x-perdure-user': 'ada' } };
  expectProblem(await post('/conversations', key, asAda), 'idempotency_conflict');
  expect([await countRows('conversations'), await countRows('documents'), await countRows('users')]).toEqual(before);
});

test('twenty requests at once with one key have one effect and one answer', async () => {
  const key = newKey();
  const before = await countRows('documents');
  const body = { text: 'Dogs bark.' };
  const answers = await Promise.all(Array.from({ length: 20 }, () => post('/documents', key, { body })));
  expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
  expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 20 }, () => 202));
  expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === null)).toHaveLength(1);
  expect(await countRows('documents')).toBe(before + 1);
});

test('at once with one key and two bodies, one wins and the other conflicts', async () => {
  const key = newKey();
  const answers = await Promise.all(['a', 'b'].map((title) => post('/conversations', key, { body: { title } })));
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201, 409]));
});

test('a key whose request failed may be used for the right one', async () => {
  const key = newKey();
  expectProblem(await post('/conversations', key, { body: { agent: 'nobody' } }), 'bad_request');
  expect((await post('/conversations', key, { body: {} })).status).toBe(201);
});

test('a key belongs to its workspace', async () => {
  const key = newKey();
  const other = await createTenant(api.database);
  const ours = await post('/conversations', key, { body: {} });
  const theirs = await post('/conversations', key, { body: {}, key: other.key });
  expect(theirs.status).toBe(201);
  expect(theirs.json.id).not.toBe(ours.json.id);
});

test('a key is free again after 24 hours', async () => {
  const key = newKey();
  const first = await post('/conversations', key, { body: { title: 'old' } });
  await api.database.asOperator((em) =>
    query(em, `update idempotency_keys set created_at = now() - interval '25 hours' where key = $1`, [key]),
  );
  const second = await post('/conversations', key, { body: { title: 'new' } });
  expect(second.json.title).toBe('new');
  expect(second.json.id).not.toBe(first.json.id);
});

test('a raw upload is told apart by its query and its bytes', async () => {
  const key = newKey();
  const upload = (text: string, path: string) =>
    post(`/documents?path=${path}`, key, { raw: text, headers: { 'content-type': 'text/plain' } });
  expect((await upload('Birds sing.', 'birds.txt')).status).toBe(202);
  expect((await upload('Birds sing.', 'birds.txt')).headers.get('idempotent-replayed')).toBe('true');
  expectProblem(await upload('Birds sing!', 'birds.txt'), 'idempotency_conflict');
  expectProblem(await upload('Birds sing.', 'other.txt'), 'idempotency_conflict');
});
