import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAddressPolicy } from '../../../providers/fetch/address-policy.ts';
import { createGuardedFetch, type GuardedRequest } from '../../../providers/fetch/guarded-fetch.ts';

let server: Server;
let other: Server;
let port: number;
let otherPort: number;
let asked: { url: string; headers: Record<string, unknown> }[] = [];

const answers: Record<string, RequestListener> = {
  '/plain': (_, response) => response.end('plain words'),
  '/gzip': (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('compressed words')),
  '/br': (_, response) => response.setHeader('content-encoding', 'br').end(brotliCompressSync('more words')),
  '/bomb': (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(8_000_000))),
  '/broken': (_, response) => response.setHeader('content-encoding', 'gzip').end('no gzip'),
  '/endless': (_, response) => {
    const more = () => (response.write(Buffer.alloc(65_536)) ? setImmediate(more) : response.once('drain', more));
    more();
    response.on('error', () => {});
  },
  '/silent': () => {},
  '/to-plain': (_, response) => response.writeHead(302, { location: '/plain' }).end(),
  '/to-other': (_, response) => response.writeHead(302, { location: `http://127.0.0.1:${otherPort}/plain` }).end(),
  '/to-private': (_, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end(),
  '/to-metadata': (_, response) => response.writeHead(307, { location: 'http://169.254.169.254/latest' }).end(),
  '/to-file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/circle': (_, response) => response.writeHead(302, { location: '/circle' }).end(),
  '/unchanged': (_, response) => response.writeHead(304, { 'content-encoding': 'gzip' }).end(),
};

const listener: RequestListener = (request, response) => {
  asked.push({ url: request.url ?? '', headers: request.headers });
  const answer = answers[request.url ?? ''];
  if (answer) answer(request, response);
  else response.writeHead(404).end('nothing here');
};

beforeAll(async () => {
  server = createServer(listener).listen(0, '127.0.0.1');
  other = createServer(listener).listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(other, 'listening')]);
  port = (server.address() as AddressInfo).port;
  otherPort = (other.address() as AddressInfo).port;
});
afterAll(() => {
  for (const one of [server, other]) {
    one.closeAllConnections();
    one.close();
  }
});

function fetchWith(allow: string[], resolve?: (host: string) => Promise<string[]>) {
  return createGuardedFetch(createAddressPolicy(allow, resolve), 'perdure-test');
}

const at = (path: string) => `http://127.0.0.1:${port}${path}`;
const open = (request: Partial<GuardedRequest> & { url: string }) => fetchWith(['127.0.0.0/8'])(request);

describe('addresses', () => {
  test.each([
    ['loopback', 'http://127.0.0.1/'],
    ['loopback by another address', 'http://127.1.2.3/'],
    ['loopback as one decimal number', 'http://2130706433/'],
    ['loopback in octal', 'http://0177.0.0.1/'],
    ['loopback in hexadecimal', 'http://0x7f.1/'],
    ['loopback of IPv6', 'http://[::1]/'],
    ['loopback mapped into IPv6', 'http://[::ffff:127.0.0.1]/'],
    ['loopback mapped into IPv6, in hexadecimal', 'http://[::ffff:7f00:1]/'],
    ['loopback in the deprecated form of IPv6', 'http://[::127.0.0.1]/'],
    ['a private address behind NAT64', 'http://[64:ff9b::a00:1]/'],
    ['a private address behind local NAT64', 'http://[64:ff9b:1::a00:1]/'],
    ['a private address in 6to4', 'http://[2002:a00:1::]/'],
    ['Teredo', 'http://[2001:0:1::1]/'],
    ['10/8', 'http://10.1.2.3/'],
    ['172.16/12', 'http://172.31.255.1/'],
    ['192.168/16', 'http://192.168.1.1/'],
    ['the metadata of clouds', 'http://169.254.169.254/latest/meta-data'],
    ['link-local of IPv6', 'http://[fe80::1]/'],
    ['unique local of IPv6', 'http://[fd00:ec2::254]/'],
    ['carrier-grade NAT', 'http://100.64.0.1/'],
    ['multicast', 'http://224.0.0.1/'],
    ['broadcast', 'http://255.255.255.255/'],
    ['this network', 'http://0.0.0.0/'],
    ['an address for documentation', 'http://192.0.2.1/'],
    ['an address for benchmarks', 'http://198.18.0.1/'],
    ['an unusual port', 'http://93.184.216.34:22/'],
  ])('refuses %s', async (_, url) => {
    await expect(fetchWith([])({ url })).rejects.toMatchObject({ code: 'address_forbidden' });
  });

  test.each([
    'ftp://93.184.216.34/',
    'file:///etc/passwd',
    'gopher://x/',
    'http://user:secret@93.184.216.34/',
    'words',
  ])('refuses %s before it resolves anything', async (url) => {
    await expect(fetchWith([])({ url })).rejects.toMatchObject({ code: 'address_invalid' });
  });

  test('refuses a name that resolves to a private address, also beside a public one', async () => {
    const fetchOne = fetchWith([], async () => ['93.184.216.34', '10.0.0.1']);
    await expect(fetchOne({ url: 'http://mixed.test/' })).rejects.toMatchObject({ code: 'address_forbidden' });
  });

  test('connects to the address that was checked: a name that changes its answer gains nothing', async () => {
    const answered: string[] = [];
    const fetchOne = fetchWith([`rebind.test:${port}`], async () => {
      answered.push(answered.length === 0 ? '127.0.0.1' : '10.0.0.1');
      return [answered.at(-1)!];
    });
    asked = [];
    const response = await fetchOne({ url: `http://rebind.test:${port}/plain` });
    expect(response.bytes.toString()).toBe('plain words');
    expect(answered).toEqual(['127.0.0.1']);
    expect(asked[0]?.headers['host']).toBe(`rebind.test:${port}`);
  });

  test('a name that turns private between two redirects is refused at the second', async () => {
    let looks = 0;
    const fetchOne = fetchWith([`127.0.0.1:${port}`], async () => [(looks += 1) === 1 ? '127.0.0.1' : '10.0.0.1']);
    await expect(fetchOne({ url: `http://rebind.test:${port}/to-plain` })).rejects.toMatchObject({
      code: 'address_forbidden',
    });
    expect(looks).toBe(2);
  });

  test('an allowed name does not open link-local addresses, an allowed address does not open other ports', async () => {
    const named = fetchWith(['metadata.test'], async () => ['169.254.169.254']);
    await expect(named({ url: 'http://metadata.test/' })).rejects.toMatchObject({ code: 'address_forbidden' });
    await expect(fetchWith([`127.0.0.1:${otherPort}`])({ url: at('/plain') })).rejects.toMatchObject({
      code: 'address_forbidden',
    });
  });

  test('an unknown name says so, and an entry that is no address is refused with an example', async () => {
    const unknown = fetchWith([], async () => {
      throw new Error('ENOTFOUND');
    });
    await expect(unknown({ url: 'http://nowhere.test/' })).rejects.toMatchObject({ code: 'fetch_failed' });
    expect(() => createAddressPolicy(['http://wiki/'])).toThrow('wiki.internal');
  });
});

describe('redirects', () => {
  test('are followed, and each is checked', async () => {
    const response = await open({ url: at('/to-plain') });
    expect(response).toMatchObject({ status: 200, url: at('/plain') });
    for (const [path, code] of [
      ['/to-private', 'address_forbidden'],
      ['/to-metadata', 'address_forbidden'],
      ['/to-file', 'address_invalid'],
      ['/circle', 'fetch_too_many_redirects'],
    ] as const)
      await expect(open({ url: at(path) })).rejects.toMatchObject({ code });
  });

  test('credentials stay with the origin that they were given for', async () => {
    asked = [];
    await open({ url: at('/to-other'), credentials: { authorization: 'Bearer secret' } });
    expect(asked.map(({ headers }) => headers['authorization'])).toEqual(['Bearer secret', undefined]);
    asked = [];
    await open({ url: at('/to-plain'), credentials: { authorization: 'Bearer secret' } });
    expect(asked.map(({ headers }) => headers['authorization'])).toEqual(['Bearer secret', 'Bearer secret']);
  });
});

describe('bounds', () => {
  test('decodes what was compressed', async () => {
    expect((await open({ url: at('/gzip') })).bytes.toString()).toBe('compressed words');
    expect((await open({ url: at('/br') })).bytes.toString()).toBe('more words');
    expect((await open({ url: at('/unchanged') })).status).toBe(304);
  });

  test.each([
    ['/bomb', {}, 'fetch_too_large'],
    ['/broken', {}, 'fetch_malformed'],
    ['/endless', { maxBytes: 200_000 }, 'fetch_too_large'],
    ['/plain', { maxBytes: 5 }, 'fetch_too_large'],
    ['/silent', { timeoutMs: 200 }, 'fetch_timeout'],
    ['/endless', { timeoutMs: 200, maxBytes: 1e12 }, 'fetch_timeout'],
  ])('%s with %j is %s', async (path, request, code) => {
    await expect(open({ url: at(path), ...request })).rejects.toMatchObject({ code });
  });

  test('a cancel of the caller ends it as that', async () => {
    const controller = new AbortController();
    const fetching = open({ url: at('/silent'), signal: controller.signal });
    controller.abort(new Error('not wanted'));
    await expect(fetching).rejects.toThrow('not wanted');
  });

  test('an answer that is no success is the caller’s to judge, and nobody there is fetch_failed', async () => {
    expect(await open({ url: at('/nothing') })).toMatchObject({ status: 404 });
    await expect(open({ url: 'http://127.0.0.1:1/' })).rejects.toMatchObject({ code: 'fetch_failed' });
  });
});
