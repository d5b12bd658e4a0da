import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAddressPolicy } from '../../providers/fetch/address-policy.ts';
import { createGuardedFetch } from '../../providers/fetch/guarded-fetch.ts';
import { createToolWorkshop } from '../../providers/tools/create-tool-workshop.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi(() => ({
  tools: createToolWorkshop({
    fetch: createGuardedFetch(createAddressPolicy(['127.0.0.0/8']), 'perdure-test'),
    now: () => new Date('2026-11-22T12:00:00Z'),
    openSealed: (sealed) => sealed,
  }),
}));

let service: Server;
let base: string;
let orders = 0;

beforeAll(async () => {
  service = createServer((request, response) => {
    if (request.method === 'POST') orders += 1;
    request.resume().on('end', () => response.end(JSON.stringify({ orders })));
  }).listen(0, '127.0.0.1');
  await once(service, 'listening');
  base = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
});
afterAll(() => {
  service.closeAllConnections();
  service.close();
});

describe('an Idempotency-Key', () => {
  const post = (path: string, key: string, body: unknown) =>
    api.call('POST', path, { body, headers: { 'idempotency-key': key } });
  const writing = async (name: string, url = '/orders') =>
    (
      await api.call('POST', '/tools', {
        body: { type: 'api', name, configuration: { method: 'POST', url: `${base}${url}` } },
      })
    ).json.id as string;

  test('makes a test call once: repeated, at once too, it gives the first answer', async () => {
    const id = await writing('order once');
    const before = orders;
    const send = () => post(`/tools/${id}/test`, 'test-once', { confirm: true });
    const both = await Promise.all([send(), send()]);
    const [first] = both.filter(({ status }) => status === 200);
    for (const other of both.filter(({ status }) => status !== 200)) expectProblem(other, 'request_in_progress');
    const again = await send();
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
    expect(again.json).toEqual(first!.json);
    expect(orders).toBe(before + 1);
    expectProblem(await post(`/tools/${id}/test`, 'test-once', { confirm: true, user: 'eve' }), 'idempotency_conflict');
  });

  test('is free again after a request that was refused', async () => {
    const id = await writing('order later');
    expectProblem(await post(`/tools/${id}/test`, 'test-later', {}), 'bad_request');
    const sent = await post(`/tools/${id}/test`, 'test-later', { confirm: true });
    expect([sent.status, sent.json.state]).toEqual([200, 'succeeded']);
  });

  test('imports once', async () => {
    const document = {
      ...{ openapi: '3.1.0', info: { title: 'Once', version: '1' }, servers: [{ url: base }] },
      paths: { '/once': { get: { operationId: 'once', responses: { 200: { description: 'ok' } } } } },
    };
    const first = await post('/tools/import', 'import-once', { document });
    expect(first.json.tools).toMatchObject([{ name: 'once', outcome: 'created' }]);
    const second = await post('/tools/import', 'import-once', { document });
    expect([second.status, second.json]).toEqual([200, first.json]);
    expectProblem(await post('/tools/import', 'import-again', { document }), 'conflict');
  });
});
