import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { createAddressPolicy } from '../../providers/fetch/address-policy.ts';
import { createGuardedFetch } from '../../providers/fetch/guarded-fetch.ts';
import { createToolWorkshop } from '../../providers/tools/create-tool-workshop.ts';
import { createTenant } from '../support/api/create-tenant.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const prefix = 'sealed:test:';
const api = testApi(() => ({
  seal: (secret) => prefix + Buffer.from(secret).toString('base64'),
  tools: createToolWorkshop({
    fetch: createGuardedFetch(createAddressPolicy(['127.0.0.0/8']), 'perdure-test'),
    now: () => new Date('2026-11-22T12:00:00Z'),
    openSealed: (sealed) => {
      if (!sealed.startsWith(prefix)) throw new Error('sealed with another key');
      return Buffer.from(sealed.slice(prefix.length), 'base64').toString();
    },
  }),
}));

let service: Server;
let base: string;
let asked: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[] = [];
let openApi: unknown = null;

beforeAll(async () => {
  service = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, headers, body });
      response.setHeader('content-type', 'application/json');
      if (url === '/openapi.json') response.end(JSON.stringify(openApi));
      else if (url === '/drop') request.socket.destroy();
      else response.end(JSON.stringify({ status: 'shipped', key: headers.authorization ?? null }));
    });
  }).listen(0, '127.0.0.1');
  await once(service, 'listening');
  base = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
});
afterAll(() => {
  service.closeAllConnections();
  service.close();
});
beforeEach(() => {
  asked = [];
});

let count = 0;
const orderTool = (changes: Record<string, unknown> = {}) => ({
  type: 'api',
  name: `order ${(count += 1)}`,
  configuration: { method: 'GET', url: `${base}/orders/{id}` },
  parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  ...changes,
});
const create = async (body: unknown) => {
  const answer = await api.call('POST', '/tools', { body });
  expect({ status: answer.status, detail: answer.json.detail }).toEqual({ status: 201, detail: undefined });
  return answer.json;
};
const run = (id: string, body: unknown) => api.call('POST', `/tools/${id}/test`, { body });

describe('declaring a tool', () => {
  test('reads ask nobody, writes ask always, unless it is said otherwise', async () => {
    const read = await create(orderTool());
    expect(read).toMatchObject({ effect: 'read', approval: { mode: 'never' }, version: 1, has_credentials: false });
    expect(read.function_name).toMatch(/^order_\d+$/);
    const write = await create(orderTool({ configuration: { method: 'POST', url: `${base}/orders/{id}` } }));
    expect(write).toMatchObject({ effect: 'write', idempotent: false, approval: { mode: 'always' } });
    const approval = { mode: 'when', condition: { id: { ne: '1' } } };
    const search = await create(
      orderTool({ configuration: { method: 'POST', url: `${base}/orders/{id}` }, effect: 'read', approval }),
    );
    expect(search).toMatchObject({ effect: 'read', approval });
  });

  test.each([
    [
      'a host that an argument chooses',
      { configuration: { method: 'GET', url: 'https://{id}.example.com/' } },
      'body.configuration.url',
    ],
    [
      'a path parameter without an argument',
      { configuration: { method: 'GET', url: 'https://a.example/{nr}' } },
      'body.configuration.url',
    ],
    [
      'a path parameter that may be missing',
      { parameters: { type: 'object', properties: { id: {} } } },
      'body.parameters.required',
    ],
    [
      'a place for no argument',
      { configuration: { method: 'GET', url: 'https://a.example/{id}', arguments: { x: { in: 'query' } } } },
      'body.configuration.arguments.x',
    ],
    [
      'a credential among the headers',
      { configuration: { method: 'GET', url: 'https://a.example/{id}', headers: { Authorization: 'x' } } },
      'body.configuration.headers.Authorization',
    ],
    [
      'a body of a GET',
      { configuration: { method: 'GET', url: 'https://a.example/', arguments: { id: { in: 'body' } } } },
      'body.configuration.arguments',
    ],
    [
      'an argument in the credential’s place',
      {
        configuration: { method: 'GET', url: 'https://a.example/', arguments: { id: { in: 'query', name: 'key' } } },
        credentials: { type: 'query', name: 'key', value: 'v' },
      },
      'body.configuration.arguments.id',
    ],
    [
      'a DELETE that reads',
      { configuration: { method: 'DELETE', url: 'https://a.example/{id}' }, effect: 'read' },
      'body.effect',
    ],
    [
      'a misspelt keyword of the schema',
      { parameters: { type: 'object', properties: { id: {} }, requird: ['id'] } },
      'body.parameters',
    ],
    [
      'a reference out of the schema',
      { parameters: { type: 'object', properties: { id: { $ref: 'http://a.example/s' } } } },
      'body.parameters',
    ],
    [
      'a condition over no argument',
      { approval: { mode: 'when', condition: { total: { gt: 1 } } } },
      'body.approval.condition',
    ],
    [
      'an operator that is none',
      { approval: { mode: 'when', condition: { id: { like: 'a' } } } },
      'body.approval.condition.id.like',
    ],
  ])('%s is refused by its place', async (_, changes, path) => {
    const answer = await api.call('POST', '/tools', { body: orderTool(changes) });
    expectProblem(answer, 'bad_request');
    expect(answer.json.errors.map((error: { path: string }) => error.path)).toContain(path);
  });

  test('a built-in says itself what it takes; a time zone must be one', async () => {
    const clock = await create({
      type: 'builtin',
      name: 'clock',
      configuration: { builtin: 'current_time', time_zone: 'Asia/Tokyo' },
    });
    expect(clock).toMatchObject({ type: 'builtin', effect: 'read', idempotent: true, parameters: { type: 'object' } });
    expect(clock.description).toContain('time');
    expect((await run(clock.id, {})).json).toMatchObject({
      state: 'succeeded',
      content: '2026-11-22T21:00:00+09:00 (Sunday, Asia/Tokyo)',
    });
    const configuration = { builtin: 'current_time', time_zone: 'Asia/Atlantis' };
    expectProblem(
      await api.call('POST', '/tools', { body: { type: 'builtin', name: 'c2', configuration } }),
      'bad_request',
    );
    expectProblem(await api.call('PATCH', `/tools/${clock.id}`, { body: { effect: 'write' } }), 'bad_request');
    const changed = await api.call('PATCH', `/tools/${clock.id}`, {
      body: { configuration: { builtin: 'calculator' } },
    });
    expect(changed.json.parameters.required).toEqual(['expression']);
    expect((await run(clock.id, { arguments: { expression: '0.1+0.2' } })).json.content).toBe('0.3');
  });
});

describe('versions', () => {
  test('each change makes one, which can be read and restored; credentials are in none', async () => {
    const tool = await create(orderTool({ credentials: { type: 'bearer', token: 'first-secret' } }));
    const changed = await api.call('PATCH', `/tools/${tool.id}`, {
      body: { description: 'second', credentials: { type: 'bearer', token: 'second-secret' } },
    });
    expect(changed.json).toMatchObject({ version: 2, description: 'second', has_credentials: true });
    await api.call('PATCH', `/tools/${tool.id}`, { body: { is_active: false, credentials: null } });
    const { json, text } = await api.call('GET', `/tools/${tool.id}/versions`);
    expect(
      json.data.map((row: { version: number; has_credentials: boolean }) => [row.version, row.has_credentials]),
    ).toEqual([
      [3, false],
      [2, true],
      [1, true],
    ]);
    expect(text).not.toContain('secret');
    expect((await api.call('GET', `/tools/${tool.id}/versions/1`)).json).toMatchObject({ version: 1, description: '' });
    expectProblem(await api.call('GET', `/tools/${tool.id}/versions/9`), 'not_found');
    const restored = await api.call('POST', `/tools/${tool.id}/versions/2/restore`);
    expect(restored.json).toMatchObject({ version: 4, description: 'second', is_active: true, has_credentials: false });
    const page = await api.call('GET', `/tools/${tool.id}/versions?limit=3`);
    const rest = await api.call('GET', `/tools/${tool.id}/versions?limit=3&cursor=${page.json.next_cursor}`);
    expect([page, rest].map(({ json: { data } }) => data.length)).toEqual([3, 1]);
  });

  test('of two changes at once each has its own', async () => {
    const tool = await create(orderTool());
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((description) => api.call('PATCH', `/tools/${tool.id}`, { body: { description } })),
    );
    expect(answers.map(({ json }) => Number(json.version)).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5]);
    const { json } = await api.call('GET', `/tools/${tool.id}/versions`);
    const last = answers.find((answer) => answer.json.version === 5)!;
    expect(json.data).toHaveLength(5);
    expect(json.data[0].description).toBe(last.json.description);
  });
});

describe('trying a tool out', () => {
  test('makes one real call with its credentials and shows what a model would be given', async () => {
    const tool = await create(orderTool({ credentials: { type: 'bearer', token: 'tok-s3cret' } }));
    const { json } = await run(tool.id, { arguments: { id: 'A 1' } });
    expect(json).toEqual({
      call_id: expect.any(String),
      state: 'succeeded',
      needs_approval: false,
      content: '{"status":"shipped","key":"Bearer [credential]"}',
      truncated: false,
      bytes: 48,
      error: null,
      duration_ms: expect.any(Number),
    });
    expect(asked).toEqual([expect.objectContaining({ method: 'GET', url: '/orders/A%201' })]);
    expect(asked[0]!.headers.authorization).toBe('Bearer tok-s3cret');
    const stored = await api.database.inWorkspace(api.tenant.workspaceId, (em) =>
      query(
        em,
        `select to_jsonb(t)::text || (select jsonb_agg(snapshot) from tool_versions)::text as all from tools t`,
      ),
    );
    expect(JSON.stringify(stored)).not.toContain('tok-s3cret');
  });

  test('a write needs to be confirmed, and carries the id of its call', async () => {
    const tool = await create(orderTool({ configuration: { method: 'POST', url: `${base}/orders/{id}` } }));
    expectProblem(await run(tool.id, { arguments: { id: '1' } }), 'bad_request');
    expect(asked).toEqual([]);
    const { json } = await run(tool.id, { arguments: { id: '1' }, confirm: true });
    expect(json).toMatchObject({ state: 'succeeded', needs_approval: true });
    expect(asked[0]!.headers['idempotency-key']).toBe(json.call_id);
  });

  test('invalid arguments, an unknown outcome, and credentials that cannot be opened are each told as that', async () => {
    const tool = await create(
      orderTool({
        configuration: { method: 'POST', url: `${base}/drop` },
        parameters: { type: 'object', properties: { a: { type: 'integer' } } },
        effect: 'read',
      }),
    );
    expect((await run(tool.id, { arguments: { a: 'x' } })).json).toMatchObject({
      state: 'invalid',
      content: expect.stringContaining('a must be integer'),
    });
    expect((await run(tool.id, {})).json).toMatchObject({
      state: 'unknown',
      error: { code: 'fetch_failed', outcome: 'unknown', retryable: true },
    });
    await api.database.asOperator((em) =>
      query(em, `update tools set credentials = 'sealed:other:x' where id = $1`, [tool.id]),
    );
    const { json } = await run(tool.id, {});
    expect(json).toMatchObject({ state: 'failed', error: { code: 'tool_failed', outcome: 'not_started' } });
    expect(json.error.detail).toContain(`PATCH /tools/${tool.id}`);
  });

  test('R29: a tool of another workspace is not there', async () => {
    const { id } = await create(orderTool());
    const { key } = await createTenant(api.database);
    expectProblem(await api.call('POST', `/tools/${id}/test`, { key, body: { arguments: { id: '1' } } }), 'not_found');
    expectProblem(await api.call('POST', `/tools/${id}/versions/1/restore`, { key }), 'not_found');
    expect(asked).toEqual([]);
  });
});

describe('deleting', () => {
  test('is refused while an agent has the tool, and names it', async () => {
    const tool = await create(orderTool());
    const agents = [];
    for (const name of ['support desk', 'warehouse desk']) {
      const made = await api.call('POST', '/agents', {
        body: { name, model: 'extractive', tools: [{ type: 'tool', id: tool.id }] },
      });
      expect(made.status).toBe(201);
      agents.push(made.json.id);
    }
    const refused = await api.call('DELETE', `/tools/${tool.id}`);
    expectProblem(refused, 'conflict');
    expect(refused.json.detail).toContain('"support desk" and "warehouse desk"');
    for (const id of agents) await api.call('DELETE', `/agents/${id}`);
    expect((await api.call('DELETE', `/tools/${tool.id}`)).status).toBe(204);
    expectProblem(await api.call('GET', `/tools/${tool.id}/versions`), 'not_found');
  });
});

describe('importing an OpenAPI document', () => {
  const document = (path: string, operationId: string) => ({
    openapi: '3.1.0',
    info: { title: 'Orders', version: '1' },
    servers: [{ url: '/' }],
    paths: {
      [`${path}/{id}`]: {
        get: {
          operationId: `${operationId}_read`,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        },
        put: {
          operationId: `${operationId}_write`,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { type: 'object', properties: { total: { type: 'number' } } } } },
          },
        },
        post: { operationId: `${operationId}_none`, requestBody: { required: true, content: { 'text/csv': {} } } },
      },
    },
  });
  const importTools = (body: unknown) => api.call('POST', '/tools/import', { body });

  test('from its address: all or chosen operations, which then work', async () => {
    openApi = document('/things', 'thing');
    const { json, status } = await importTools({
      url: `${base}/openapi.json`,
      credentials: { type: 'bearer', token: 'imported-secret' },
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      title: 'Orders',
      tools: [
        { name: 'thing_read', operation: 'GET /things/{id}', effect: 'read', outcome: 'created' },
        { name: 'thing_write', operation: 'PUT /things/{id}', effect: 'write', outcome: 'created' },
      ],
      skipped: [{ operation: 'POST /things/{id}', reason: expect.stringContaining('text/csv') }],
    });
    const result = await run(json.tools[1].id, { arguments: { id: 'x', total: 3 }, confirm: true });
    expect(result.json).toMatchObject({ state: 'succeeded', needs_approval: true });
    expect(asked.at(-1)).toMatchObject({ method: 'PUT', url: '/things/x', body: '{"total":3}' });
    expect(asked.at(-1)!.headers.authorization).toBe('Bearer imported-secret');
  });

  test('a name that is taken is refused for all, or becomes a new version that keeps what people decided', async () => {
    const body = { document: document('/items', 'item'), server: base };
    const first = await importTools(body);
    const [, write] = first.json.tools;
    await api.call('PATCH', `/tools/${write.id}`, { body: { approval: { mode: 'never' }, timeout_ms: 1234 } });
    expectProblem(await importTools(body), 'conflict');
    expectProblem(await importTools({ ...body, operations: ['item_read', 'nothing'] }), 'bad_request');
    const dry = await importTools({ ...body, existing: 'update', dry_run: true });
    expect(dry.json.tools.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['would_update', 'would_update']);
    const again = await importTools({ ...body, server: `${base}/v2`, existing: 'update', operations: ['item_write'] });
    expect(again.json.tools).toEqual([expect.objectContaining({ id: write.id, outcome: 'updated' })]);
    expect((await api.call('GET', `/tools/${write.id}`)).json).toMatchObject({
      version: 3,
      approval: { mode: 'never' },
      timeout_ms: 1234,
      configuration: { url: `${base}/v2/items/{id}` },
    });
    const prefixed = await importTools({ ...body, name_prefix: 'eu_', dry_run: true });
    expect(prefixed.json.tools[0]).toMatchObject({ id: null, name: 'eu_item_read', outcome: 'would_create' });
  });

  test.each([
    [{ document: 'words' }, 'bad_request'],
    [{}, 'bad_request'],
    [{ url: 'http://10.0.0.1/openapi.json' }, 'address_forbidden'],
    [{ url: 'http://127.0.0.1:1/openapi.json' }, 'fetch_failed'],
  ])('%j is %s', async (body, code) => {
    expectProblem(await importTools(body), code as 'bad_request');
  });
});
