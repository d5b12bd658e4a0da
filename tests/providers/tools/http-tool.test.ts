import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { apiToolConfigurationSchema, type ToolCredentials } from '../../../contracts/tool-configuration.ts';
import { createAddressPolicy } from '../../../providers/fetch/address-policy.ts';
import { createGuardedFetch } from '../../../providers/fetch/guarded-fetch.ts';
import { createHttpTool } from '../../../providers/tools/http/http-tool.ts';
import { ToolError } from '../../../providers/tool-error.ts';
import type { ToolDefinition } from '../../../providers/tool.ts';

type Asked = { method: string; url: string; headers: IncomingHttpHeaders; body: string };

let server: Server;
let base: string;
let asked: Asked[] = [];
const callId = '0197e000-0000-7000-8000-000000000001';

const answers: Record<string, RequestListener> = {
  '/ok': (_, response) => response.setHeader('content-type', 'application/json').end('{"status":"shipped"}'),
  '/none': (_, response) => response.writeHead(204).end(),
  '/refuses': (_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('no such order'),
  '/broken': (_, response) => response.writeHead(500).end('stack trace'),
  '/busy': (_, response) => response.writeHead(429, { 'retry-after': '7' }).end(),
  '/away': (_, response) => response.writeHead(503, { 'retry-after': '3' }).end(),
  '/gateway': (_, response) => response.writeHead(503).end(),
  '/image': (_, response) => response.setHeader('content-type', 'image/png').end(Buffer.alloc(500)),
  '/latin': (_, response) =>
    response.setHeader('content-type', 'text/plain; charset=iso-8859-1').end(Buffer.from([0x63, 0x61, 0x66, 0xe9, 0])),
  '/long': (_, response) => response.setHeader('content-type', 'text/plain').end('y'.repeat(50_000)),
  '/endless': (_, response) => {
    response.setHeader('content-type', 'text/plain');
    const more = () => (response.write('z'.repeat(65_536)) ? setImmediate(more) : response.once('drain', more));
    response.on('error', () => {});
    more();
  },
  '/bomb': (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(12_000_000))),
  '/silent': () => {},
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.destroy());
  },
  '/drop': (request) => request.socket.destroy(),
  '/moved': (_, response) => response.writeHead(307, { location: '/ok' }).end(),
  '/inward': (_, response) => response.writeHead(302, { location: 'http://10.0.0.1/ok' }).end(),
  '/metadata': (_, response) => response.writeHead(307, { location: 'http://169.254.169.254/latest' }).end(),
  '/done': (_, response) => response.writeHead(303, { location: '/ok' }).end(),
  '/echo': (request, response) =>
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ headers: request.headers, url: request.url })),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, headers, body: Buffer.concat(parts).toString() });
      const answer = answers[url.split('?')[0]!] ?? answers['/ok']!;
      answer(request, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

type Options = {
  credentials?: ToolCredentials;
  definition?: Partial<ToolDefinition>;
  allow?: string[];
  resolve?: (host: string) => Promise<string[]>;
  signal?: AbortSignal;
};

function call(configuration: Record<string, unknown>, args: Record<string, unknown> = {}, options: Options = {}) {
  const { method = 'GET' } = configuration;
  const definition: ToolDefinition = {
    type: 'tool',
    id: 't',
    version: 1,
    name: 'tool',
    description: '',
    parameters: { type: 'object' },
    effect: method === 'GET' ? 'read' : 'write',
    idempotent: false,
    approval: { mode: 'never' },
    timeoutMs: 20_000,
    maxResultBytes: 4096,
    ...options.definition,
  };
  const policy = createAddressPolicy(options.allow ?? ['127.0.0.0/8'], options.resolve);
  const tool = createHttpTool(
    {
      definition,
      configuration: apiToolConfigurationSchema.parse({ method, ...configuration }),
      credentials: options.credentials ?? null,
    },
    createGuardedFetch(policy, 'perdure-test'),
  );
  const signal = options.signal ?? new AbortController().signal;
  return tool.run(args, { callId, workspaceId: 'w', user: { id: 'u' }, signal });
}

const at = (path: string) => ({ url: `${base}${path}` });
const failureOf = async (work: Promise<unknown>): Promise<ToolError> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ToolError);
  return error as ToolError;
};

describe('where arguments go', () => {
  test('into the path, the query, headers and the body, each under the name that the service has for it', async () => {
    const result = await call(
      {
        method: 'POST',
        url: `${base}/orders/{order_id}/lines`,
        headers: { 'X-Version': '2' },
        query: { tenant: 'a b' },
        arguments: {
          id: { in: 'path', name: 'order_id' },
          page: { in: 'query', name: 'p' },
          trace: { in: 'header', name: 'X-Trace' },
          product: { in: 'body', name: 'sku' },
        },
      },
      { id: 'A/1 ?#ü', page: 2, trace: 'abc', product: 'x', count: 3, gift: null },
    );
    expect(result).toEqual({ content: '{"status":"shipped"}', isError: false, truncated: false, bytes: 20 });
    expect(asked).toHaveLength(1);
    const { method, url, headers, body } = asked[0]!;
    expect([method, url]).toEqual(['POST', '/orders/A%2F1%20%3F%23%C3%BC/lines?tenant=a+b&p=2']);
    expect(headers).toMatchObject({ 'x-version': '2', 'x-trace': 'abc', 'content-type': 'application/json' });
    expect(JSON.parse(body)).toEqual({ sku: 'x', count: 3, gift: null });
  });

  test.each([
    ['repeat', 'a=1&a=x+y'],
    ['comma', 'a=1%2Cx+y'],
    ['space', 'a=1+x+y'],
    ['pipe', 'a=1%7Cx+y'],
    ['json', 'a=%5B1%2C%22x+y%22%5D'],
  ])('a list in the query is written as %s says', async (style, expected) => {
    await call({ ...at('/ok'), arguments: { a: { in: 'query', style } } }, { a: [1, 'x y'] });
    expect(asked[0]!.url).toBe(`/ok?${expected}`);
  });

  test('an object in the query, a form, and a body that is one argument', async () => {
    await call({ ...at('/ok'), arguments: { f: { in: 'query', style: 'deep_object' } } }, { f: { a: 1, b: true } });
    await call({ method: 'POST', ...at('/ok'), body: 'form' }, { a: 'x&y', b: [1, 2] });
    await call({ method: 'PUT', ...at('/ok'), arguments: { all: { in: 'body', whole: true } } }, { all: [1, 2] });
    expect(asked.map(({ url, body }) => `${url} ${body}`)).toEqual([
      '/ok?f%5Ba%5D=1&f%5Bb%5D=true ',
      '/ok a=x%26y&b=1&b=2',
      '/ok [1,2]',
    ]);
    expect(asked[1]!.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  test.each([
    ['id', '..'],
    ['id', '.'],
    ['id', ''],
    ['header', 'a\r\nX-Admin: 1'],
    ['header', 'naïve'],
  ])('%s = %j would change the request, so nothing is sent', async (name, value) => {
    const failure = await failureOf(
      call({ url: `${base}/orders/{id}`, arguments: { header: { in: 'header' } } }, { id: '1', [name]: value }),
    );
    expect(failure).toMatchObject({ code: 'tool_arguments', outcome: 'not_started', retryable: false });
    expect(failure.detail).toContain(`"${name}"`);
    expect(asked).toEqual([]);
  });
});

describe('writes and reads', () => {
  test('a write carries its call’s id as Idempotency-Key, a read does not', async () => {
    await call({ method: 'DELETE', ...at('/ok') });
    await call(at('/ok'));
    expect(asked.map(({ headers }) => headers['idempotency-key'])).toEqual([callId, undefined]);
  });

  test('R37: an attempt is one HTTP request, whatever becomes of it', async () => {
    for (const path of ['/ok', '/refuses', '/broken', '/busy', '/drop', '/cut']) {
      asked = [];
      await call({ method: 'POST', ...at(path) }).catch(() => {});
      expect({ path, requests: asked.length }).toEqual({ path, requests: 1 });
    }
  });

  test('a second address of a name is not asked once the first has been', async () => {
    const resolve = async () => ['127.0.0.1', '127.0.0.2'];
    const port = new URL(base).port;
    const options = { resolve, allow: ['127.0.0.0/8'] };
    const failure = await failureOf(call({ method: 'POST', url: `http://twice.test:${port}/drop` }, {}, options));
    expect(failure.outcome).toBe('unknown');
    expect(asked).toHaveLength(1);
  });

  test('a write follows no redirect; a read does', async () => {
    expect(await call({ method: 'POST', ...at('/moved') })).toMatchObject({
      isError: true,
      content: 'HTTP 307 Temporary Redirect\nIt points to /ok, which was not followed.',
    });
    expect(await call({ method: 'POST', ...at('/done') })).toMatchObject({ isError: false });
    expect(asked.map(({ url }) => url)).toEqual(['/moved', '/done']);
    expect(await call(at('/moved'))).toMatchObject({ content: '{"status":"shipped"}' });
  });
});

describe('outcomes', () => {
  test.each([
    ['/refuses', 'HTTP 404 Not Found\nno such order'],
    ['/none', 'HTTP 204 No Content'],
    ['/image', '[500 bytes of image/png, which is no text]'],
    ['/latin', 'café\u{fffd}'],
  ])('%s is a result for the model', async (path, content) => {
    const result = await call({ method: 'POST', ...at(path) });
    expect(result).toMatchObject({ content, isError: path === '/refuses', truncated: false });
  });

  test.each([
    ['/busy', 'tool_unavailable', 'not_started', true, 7000],
    ['/away', 'tool_unavailable', 'not_started', true, 3000],
    ['/gateway', 'tool_outcome_unknown', 'unknown', true, null],
    ['/broken', 'tool_outcome_unknown', 'unknown', true, null],
    ['/drop', 'fetch_failed', 'unknown', true, null],
    ['/cut', 'fetch_failed', 'unknown', true, null],
    ['/bomb', 'fetch_too_large', 'unknown', false, null],
  ])('%s is %s, %s', async (path, code, outcome, retryable, retryAfterMs) => {
    const failure = await failureOf(call({ method: 'POST', ...at(path) }));
    expect(failure).toMatchObject({ code, outcome, retryable, retryAfterMs });
    expect(failure.detail).not.toContain('stack trace');
  });

  test('silence past the time-out may have had an effect; nobody there had none', async () => {
    const definition = { timeoutMs: 200 };
    const silent = await failureOf(call({ method: 'POST', ...at('/silent') }, {}, { definition }));
    expect(silent).toMatchObject({ code: 'fetch_timeout', outcome: 'unknown' });
    const nobody = await failureOf(call({ method: 'POST', url: 'http://127.0.0.1:1/' }));
    expect(nobody).toMatchObject({ code: 'fetch_failed', outcome: 'not_started', retryable: true });
    const nowhere = await failureOf(
      call({ method: 'POST', url: 'http://nowhere.test/' }, {}, { resolve: async () => [] }),
    );
    expect(nowhere).toMatchObject({ code: 'fetch_failed', outcome: 'not_started' });
  });

  test('a cancel before the request throws its own reason; after it the outcome is unknown', async () => {
    await expect(call(at('/ok'), {}, { signal: AbortSignal.abort(new Error('not wanted')) })).rejects.toThrow(
      'not wanted',
    );
    const controller = new AbortController();
    const running = call({ method: 'POST', ...at('/silent') }, {}, { signal: controller.signal });
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error('not wanted'));
    expect(await failureOf(running)).toMatchObject({ code: 'tool_outcome_unknown', outcome: 'unknown' });
  });

  test('R35: a long result is cut within its bound and says how long it was', async () => {
    const long = await call(at('/long'));
    expect(long).toMatchObject({ truncated: true, bytes: 50_000, isError: false });
    expect(Buffer.byteLength(long.content)).toBeLessThanOrEqual(4096);
    expect(long.content).toMatch(/of 50000 bytes are missing\]$/);
    const endless = await call(at('/endless'));
    expect(endless.truncated).toBe(true);
    expect(endless.bytes).toBeGreaterThan(8_000_000);
    expect(Buffer.byteLength(endless.content)).toBeLessThanOrEqual(4096);
  });
});

describe('credentials', () => {
  const kinds: Array<[ToolCredentials, string]> = [
    [{ type: 'bearer', token: 'tok-"s3cret/+' }, 'authorization'],
    [{ type: 'basic', username: 'ann', password: 'pass w0rd&' }, 'authorization'],
    [{ type: 'header', name: 'X-Api-Key', value: 'k3y-of-mine' }, 'x-api-key'],
    [{ type: 'query', name: 'api_key', value: 'q s3cret' }, 'url'],
  ];

  test.each(kinds)('%j is sent, and never comes back, though the service echoes it', async (credentials, place) => {
    const result = await call(at('/echo'), {}, { credentials });
    const sent = place === 'url' ? asked[0]!.url : String(asked[0]!.headers[place]);
    const expected = {
      bearer: 'Bearer tok-"s3cret/+',
      basic: `Basic ${Buffer.from('ann:pass w0rd&').toString('base64')}`,
      header: 'k3y-of-mine',
      query: '/echo?api_key=q+s3cret',
    }[credentials.type];
    expect(sent).toBe(expected);
    expect(result.content).toContain('[credential]');
    for (const secret of ['s3cret', 'w0rd', 'k3y-of-mine', Buffer.from('ann:pass w0rd&').toString('base64')])
      expect(result.content).not.toContain(secret);
  });

  test('are in no error', async () => {
    for (const [credentials] of kinds)
      for (const path of ['/broken', '/drop', '/busy', '/metadata']) {
        const { message, stack } = await failureOf(call(at(path), {}, { credentials }));
        expect(`${message} ${stack}`).not.toMatch(/s3cret|w0rd|k3y-of-mine/);
      }
  });

  test('an argument of the same name does not take their place', async () => {
    const credentials = { type: 'query', name: 'key', value: 'ours' } as const;
    await call({ ...at('/ok'), arguments: { key: { in: 'query' } } }, { key: 'theirs' }, { credentials });
    expect(asked[0]!.url).toBe('/ok?key=ours');
  });
});

describe('addresses', () => {
  test.each([
    ['a private address', 'http://10.1.2.3/'],
    ['loopback', 'http://127.0.0.1/'],
    ['the metadata of clouds', 'http://169.254.169.254/latest/meta-data'],
    ['a unique local address of IPv6', 'http://[fd00::1]/'],
  ])('%s is refused unless it is allowed', async (_, url) => {
    const failure = await failureOf(call({ method: 'POST', url }, {}, { allow: [] }));
    expect(failure).toMatchObject({ code: 'address_forbidden', outcome: 'not_started', retryable: false });
    expect(failure.detail).toContain('PERDURE_FETCH_ALLOW');
  });

  test('a redirect to a private or link-local address is refused', async () => {
    for (const path of ['/inward', '/metadata'])
      expect(await failureOf(call(at(path)))).toMatchObject({ code: 'address_forbidden', retryable: false });
    expect(asked.map(({ url }) => url)).toEqual(['/inward', '/metadata']);
  });

  test('a name that turns private after it was looked up gains nothing', async () => {
    const { port } = new URL(base);
    let looks = 0;
    const resolve = async () => [(looks += 1) === 1 ? '127.0.0.1' : '10.0.0.1'];
    const allow = [`rebind.test:${port}`];
    const result = await call({ url: `http://rebind.test:${port}/ok` }, {}, { resolve, allow });
    expect(result.content).toContain('shipped');
    expect(looks).toBe(1);
    const mixed = async () => ['93.184.216.34', '10.0.0.1'];
    const failure = await failureOf(call({ url: 'http://mixed.test/' }, {}, { resolve: mixed, allow: [] }));
    expect(failure).toMatchObject({ code: 'address_forbidden', outcome: 'not_started' });
  });
});
