import { describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { createKey } from '../support/api/create-tenant.ts';
import { addressOf, closedRoutes, openPaths } from '../support/api/every-route.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';

const api = testApi();

test('nothing but health is open without a key', () => {
  expect(openPaths).toEqual(['/livez', '/readyz']);
});

describe.each(closedRoutes)('%s', (_name, route) => {
  const send = (key: string | null) =>
    api.call(route.method, addressOf(route), { key, ...(route.example ? { body: route.example } : {}) });

  test('is refused without a key', async () => {
    expectProblem(await send(null), 'unauthenticated');
  });

  test('is refused with an unknown key', async () => {
    expectProblem(await send('pk_of-nobody'), 'unauthenticated');
  });

  test('is refused to a key whose scopes leave it out', async () => {
    const other = route.scope === 'usage:read' ? 'memory:read' : 'usage:read';
    const { key } = await createKey(api.database, api.tenant.workspaceId, 'admin', [other]);
    expectProblem(await send(key), 'forbidden');
  });

  test(`is ${route.scope.endsWith(':write') ? 'refused' : 'not refused'} to a viewer`, async () => {
    const { key } = await createKey(api.database, api.tenant.workspaceId, 'viewer');
    const { status } = await send(key);
    expect(status === 403).toBe(route.scope.endsWith(':write') || route.scope === 'keys:read');
  });
});

test('an unknown address tells nobody without a key that it is unknown', async () => {
  expectProblem(await api.call('GET', '/nothing-here', { key: null }), 'unauthenticated');
  expectProblem(await api.call('GET', '/nothing-here'), 'not_found');
});

test('a member writes documents and conversations, and configures nothing', async () => {
  const { key } = await createKey(api.database, api.tenant.workspaceId, 'member');
  const conversation = await api.call('POST', '/conversations', { key, body: {} });
  expect(conversation.status).toBe(201);
  expectProblem(await api.call('POST', '/agents', { key, body: { name: 'x', model: 'extractive' } }), 'forbidden');
});

test.each([
  ['x-api-key', (key: string) => ({ 'x-api-key': key })],
  ['Bearer', (key: string) => ({ authorization: `Bearer ${key}` })],
  ['Basic, the key as the password', (key: string) => ({ authorization: `Basic ${btoa(`browser:${key}`)}` })],
])('a key is read from %s', async (_name, headers) => {
  const answer = await api.call('GET', '/agents', { key: null, headers: headers(api.tenant.key) });
  expect(answer.status).toBe(200);
});

test("another site's page changes nothing with the password that a browser remembers, and may still link here", async () => {
  const remembered = { authorization: `Basic ${btoa(`browser:${api.tenant.key}`)}`, 'sec-fetch-site': 'cross-site' };
  const changed = await api.call('POST', '/conversations', { key: null, headers: remembered, body: {} });
  expectProblem(changed, 'unauthenticated');
  expect((await api.call('GET', '/agents', { key: null, headers: remembered })).status).toBe(200);
});

test('a browser is asked for a password on /docs alone', async () => {
  const docs = await api.call('GET', '/docs', { key: null });
  const agents = await api.call('GET', '/agents', { key: null });
  expect(docs.headers.get('www-authenticate')).toMatch(/^Basic /);
  expect(agents.headers.get('www-authenticate')).toMatch(/^Bearer /);
});

test('a revoked key stops working within 5 seconds, an expired one at once when it was never used', async () => {
  const { key, keyId } = await createKey(api.database, api.tenant.workspaceId, 'viewer');
  expect((await api.call('GET', '/agents', { key })).status).toBe(200);
  expect((await api.call('DELETE', `/api-keys/${keyId}`)).status).toBe(204);
  const began = performance.now();
  await until(async () => (await api.call('GET', '/agents', { key })).status === 401, { what: 'the refusal' });
  expect(performance.now() - began).toBeLessThan(6_000);

  const expired = await createKey(api.database, api.tenant.workspaceId, 'viewer');
  await api.database.asOperator((em) =>
    query(em, `update api_keys set expires_at = now() - interval '1 second' where id = $1`, [expired.keyId]),
  );
  expectProblem(await api.call('GET', '/agents', { key: expired.key }), 'unauthenticated');
});

test('the use of a key is noted, at most once a minute', async () => {
  const { key, keyId } = await createKey(api.database, api.tenant.workspaceId, 'viewer');
  const lastUse = () =>
    api.database.asOperator(async (em) => {
      const [row] = await query<{ at: Date | null }>(em, 'select last_used_at as at from api_keys where id = $1', [
        keyId,
      ]);
      return row?.at?.getTime();
    });
  await api.call('GET', '/agents', { key });
  const first = await lastUse();
  expect(Date.now() - Number(first)).toBeLessThan(10_000);
  await api.call('GET', '/agents', { key });
  expect(await lastUse()).toBe(first);
});

test('a key is shown once: neither a list nor a replayed answer holds it', async () => {
  const sent = { body: { name: 'shop', role: 'member' }, headers: { 'idempotency-key': 'make-a-key' } };
  const created = await api.call('POST', '/api-keys', sent);
  const replayed = await api.call('POST', '/api-keys', sent);
  expect((await api.call('GET', '/agents', { key: created.json.key })).status).toBe(200);
  expect(replayed.json).toEqual({ ...created.json, key: null });
  const list = await api.call('GET', '/api-keys');
  expect(list.text).toContain(created.json.prefix);
  expect(list.text).not.toContain(created.json.key);
});

test('a key cannot revoke itself', async () => {
  expectProblem(await api.call('DELETE', `/api-keys/${api.tenant.keyId}`), 'conflict');
});
