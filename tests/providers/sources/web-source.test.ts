import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { webConfigurationSchema } from '../../../contracts/source-configuration.ts';
import { createRobotsReader } from '../../../providers/sources/robots-rules.ts';
import { createWebSource } from '../../../providers/sources/web-source.ts';
import { loopbackFetch, SiteServer } from './site-server.ts';
import { conforms, listAll } from './source-conformance.ts';

const site = new SiteServer();
let pages: Record<string, string>;
let robots: string | null;

beforeAll(() => site.start());
afterAll(() => site.stop());
beforeEach(() => {
  site.asked.length = 0;
  robots = null;
  pages = {
    '/': page('Start', 'Welcome here.', '/a', '/b?utm_source=x#part', '/picture.png'),
    '/a': page('About apples', 'Apples are red.', '/', '/c'),
    '/b': page('About bees', 'Bees make honey.'),
  };
  site.answer = serve;
});

function page(title: string, text: string, ...links: string[]): string {
  const anchors = links.map((link) => `<a href="${link}">link</a>`).join(' ');
  return `<!doctype html><html><head><title>${title}</title></head><body><p>${text}</p>${anchors}</body></html>`;
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '';
  if (url === '/robots.txt') return void (robots === null ? response.writeHead(404).end() : response.end(robots));
  const body = pages[url];
  if (body === undefined) return void response.writeHead(404).end();
  const etag = `"${Buffer.from(body).toString('base64').slice(-40)}"`;
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
  response.writeHead(200, {
    'content-type': url.endsWith('.xml') ? 'application/xml' : 'text/html; charset=utf-8',
    etag,
  });
  response.end(body);
}

function open(settings: Record<string, unknown> = {}, credentials: string | null = null) {
  const configuration = webConfigurationSchema.parse({
    start: [`${site.url}/`],
    delay_ms: 0,
    sitemap: false,
    ...settings,
  });
  return createWebSource(configuration, credentials, {
    fetch: loopbackFetch,
    robots: createRobotsReader(loopbackFetch),
  });
}

const paths = async (settings: Record<string, unknown> = {}) =>
  [...(await listAll(open(settings))).keys()].map((address) => address.replace(site.url, '')).toSorted();
const askedFor = (url: string) => site.asked.filter((one) => one.url === url);

describe('a web site', () => {
  conforms(() => ({
    open: () => open(),
    openBroken: () => open({ start: [`${site.url}/nothing`] }),
    holds: [
      [`${site.url}/`, 'Welcome here.'],
      [`${site.url}/a`, 'Apples are red.'],
      [`${site.url}/b`, 'Bees make honey.'],
    ],
    change: async (words) => {
      pages['/'] = page('Start', words, '/a', '/b');
    },
    remove: async () => {
      delete pages['/b'];
    },
  }));

  test('a page that did not change is asked for by its ETag, and its links are followed all the same', async () => {
    const source = open();
    const first = await listAll(source);
    const memory = new Map([...first.values()].map((item) => [item.path, item.memory ?? {}]));
    site.asked.length = 0;
    expect((await listAll(source, memory)).size).toBe(3);
    for (const { url, headers } of site.asked)
      if (url !== '/c' && url !== '/robots.txt') expect(headers['if-none-match']).toMatch(/^".+"$/);
  });

  test('robots.txt is honoured: what it forbids is not asked for, and its Crawl-delay is kept', async () => {
    robots = 'User-agent: *\nDisallow: /a\nCrawl-delay: 0.3\n';
    expect(await paths()).toEqual(['/', '/b']);
    expect(askedFor('/a')).toEqual([]);
    const times = site.asked.filter(({ url }) => url !== '/robots.txt').map(({ at }) => at);
    for (let index = 1; index < times.length; index += 1)
      expect(times[index]! - times[index - 1]!).toBeGreaterThan(250);
    robots = 'User-agent: PerdureBot\nDisallow: /\n';
    await expect(paths()).rejects.toMatchObject({
      code: 'fetch_refused',
      detail: expect.stringContaining('robots.txt'),
    });
    robots = '# much is said here\n'.repeat(40_000);
    expect(await paths()).toEqual(['/', '/a', '/b']);
  });

  test('a host whose robots.txt cannot be read is left alone for now', async () => {
    site.answer = (request, response) =>
      request.url === '/robots.txt' ? response.writeHead(500).end() : serve(request, response);
    await expect(listAll(open())).rejects.toMatchObject({ code: 'fetch_failed', retryable: true });
    expect(askedFor('/')).toEqual([]);
  });

  test('sitemaps are read, also indexes and gzip, and what has not changed since is not asked for', async () => {
    const urls = (...names: string[]) =>
      `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${names
        .map((name) => `<url><loc>${site.url}${name}</loc><lastmod>2026-01-01</lastmod></url>`)
        .join('')}</urlset>`;
    pages['/sitemap.xml'] = `<sitemapindex><sitemap><loc>${site.url}/one.xml</loc></sitemap>
      <sitemap><loc>${site.url}/two.xml.gz</loc></sitemap><sitemap><loc>http://10.0.0.1/three.xml</loc></sitemap></sitemapindex>`;
    pages['/one.xml'] = urls('/a');
    pages['/lonely'] = page('Lonely', 'Nobody links here.');
    site.answer = (request, response) =>
      request.url === '/two.xml.gz' ? response.end(gzipSync(urls('/lonely'))) : serve(request, response);
    const settings = { sitemap: true, follow_links: false };
    const source = open(settings);
    const first = await listAll(source);
    expect([...first.keys()].map((address) => address.replace(site.url, '')).toSorted()).toEqual([
      '/',
      '/a',
      '/lonely',
    ]);
    const memory = new Map([...first.values()].map((item) => [item.path, item.memory ?? {}]));
    site.asked.length = 0;
    expect((await listAll(source, memory)).size).toBe(3);
    expect(askedFor('/lonely')).toEqual([]);
    expect(askedFor('/')).toHaveLength(1);
  });

  test('depth, hosts, globs and the number of pages limit it', async () => {
    pages['/c'] = page('Deep', 'Deep water.', 'http://10.0.0.1/elsewhere');
    expect(await paths()).toEqual(['/', '/a', '/b', '/c']);
    expect(await paths({ max_depth: 1 })).toEqual(['/', '/a', '/b']);
    expect(await paths({ include: ['/a'] })).toEqual(['/', '/a']);
    expect(await paths({ exclude: ['/a'] })).toEqual(['/', '/b']);
    const source = open({ max_pages: 1 });
    const { next } = await source.list(null, {
      signal: new AbortController().signal,
      listed: 0,
      recall: async () => null,
    });
    const cut = await source.list(next[0]!.cursor, {
      signal: new AbortController().signal,
      listed: 1,
      recall: async () => null,
    });
    expect(cut.incomplete).toContain('max_pages');
  });

  test('a page’s own wishes are honoured: canonical, noindex, nofollow', async () => {
    pages['/a'] = `<html><head><link rel="canonical" href="/b"><title>Twin</title></head>text</html>`;
    pages['/b'] = page('About bees', 'Bees make honey.', '/c');
    pages['/c'] = `<html><head><meta name="robots" content="noindex"></head><a href="/d">d</a></html>`;
    pages['/d'] = `<html><head><meta name="ROBOTS" content="NOFOLLOW"></head>text <a href="/e">e</a></html>`;
    pages['/e'] = page('Not found', 'nobody leads here');
    expect(await paths()).toEqual(['/', '/b', '/d']);
  });

  test('a redirect that leads off the site is not followed; one within it gives the page its last address', async () => {
    pages['/'] = page('Start', 'Welcome here.', '/out', '/moved');
    site.answer = (request, response) => {
      if (request.url === '/out') response.writeHead(302, { location: 'http://10.0.0.1/' }).end();
      else if (request.url === '/moved') response.writeHead(301, { location: '/a' }).end();
      else serve(request, response);
    };
    expect(await paths()).toEqual(['/', '/a']);
  });

  test('a server that asks to wait is waited for; a broken page is an error, a missing one is not there', async () => {
    site.answer = (request, response) => {
      if (request.url === '/robots.txt') response.writeHead(404).end();
      else response.writeHead(503, { 'retry-after': '7' }).end();
    };
    await expect(listAll(open())).rejects.toMatchObject({
      code: 'source_unavailable',
      retryAfterMs: 7_000,
      retryable: true,
    });
    site.answer = (request, response) =>
      request.url === '/b' ? response.writeHead(404).end() : serve(request, response);
    expect(await paths()).toEqual(['/', '/a']);
  });

  test.each([
    [404, 'fetch_not_found'],
    [401, 'source_authentication'],
    [403, 'source_authentication'],
  ])('a start page that answers %s is a mistake, never an empty site', async (status, code) => {
    site.answer = (request, response) =>
      request.url === '/' ? response.writeHead(status).end() : response.writeHead(404).end();
    await expect(paths()).rejects.toMatchObject({ code, retryable: false });
  });

  test('R9: a page that was read before and is kept from us now fails, so that it is not taken for deleted', async () => {
    const source = open();
    const first = await listAll(source);
    const memory = new Map([...first.values()].map((item) => [item.path, item.memory ?? {}]));
    pages['/'] = page('Start', 'Welcome here.', '/a', '/b', '/login', '/loop', '/film');
    site.answer = (request, response) => {
      if (request.url === '/b' || request.url === '/login') response.writeHead(403).end();
      else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else if (request.url === '/film') response.writeHead(200, { 'content-length': '99999999' }).end('x');
      else serve(request, response);
    };
    const listed = await listAll(source, memory);
    const problems = [...listed.values()].map(({ path, problem }) => [path.replace(site.url, ''), problem?.code]);
    expect(Object.fromEntries(problems)).toEqual({
      '/': undefined,
      '/a': undefined,
      '/b': 'fetch_refused',
      '/film': 'fetch_too_large',
    });
  });

  test('credentials go as headers to the hosts of the start, and a malformed one is named without its value', async () => {
    await listAll(open({}, 'Authorization: Bearer secret\nX-Team: docs'));
    expect(askedFor('/')[0]?.headers).toMatchObject({ authorization: 'Bearer secret', 'x-team': 'docs' });
    expect(() => open({}, 'X-Team: docs\nsecret-without-name')).toThrow('Line 2');
    expect(() => open({}, 'secret-without-name')).not.toThrow('secret-without-name');
  });
});
