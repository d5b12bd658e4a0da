import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { apiConfigurationSchema } from '../../../contracts/source-configuration.ts';
import { createApiSource } from '../../../providers/sources/api-source.ts';
import { loopbackFetch, SiteServer } from './site-server.ts';
import { conforms, listAll, textOf } from './source-conformance.ts';

const site = new SiteServer();
const signal = new AbortController().signal;
let items: { id: number; name: string; body: string }[];

beforeAll(() => site.start());
afterAll(() => site.stop());
beforeEach(() => {
  site.asked.length = 0;
  site.answer = serve;
  items = [
    { id: 1, name: 'Apples', body: 'Apples are red.' },
    { id: 2, name: 'Bees', body: 'Bees make honey.' },
    { id: 3, name: 'Cats', body: 'Cats sleep.' },
  ];
});

/** One page of two items, in each of the ways in which interfaces page. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '', site.url);
  const one = /^\/items\/(\d+)$/.exec(url.pathname)?.[1];
  if (one !== undefined) {
    const item = items.find(({ id }) => String(id) === one);
    return void (item ? send(response, { item }) : response.writeHead(404).end());
  }
  const start =
    Number(url.searchParams.get('offset') ?? url.searchParams.get('after') ?? 0) ||
    (Number(url.searchParams.get('page') ?? 1) - 1) * 2;
  const data = items.slice(start, start + 2);
  const next = start + 2 < items.length ? String(start + 2) : null;
  const headers: Record<string, string> =
    next === null ? {} : { link: `</list?offset=0>; rel="first", </list?offset=${next}>; rel="next"` };
  send(response, { data, paging: { next } }, headers);
}

function send(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function open(settings: Record<string, unknown> = {}, credentials: string | null = null) {
  const configuration = apiConfigurationSchema.parse({
    url: `${site.url}/list`,
    items: 'data',
    fields: { id: 'id', title: 'name', text: 'body', metadata: { label: 'name' } },
    pagination: { type: 'cursor', parameter: 'after', next: 'paging.next' },
    ...settings,
  });
  return createApiSource(configuration, credentials, loopbackFetch);
}

describe('a REST interface', () => {
  conforms(() => ({
    open: () => open(),
    openBroken: () => open({ items: 'nothing.here' }),
    holds: [
      ['1', 'Apples are red.'],
      ['2', 'Bees make honey.'],
      ['3', 'Cats sleep.'],
    ],
    change: async (words) => {
      items[0]!.body = words;
    },
    remove: async () => void items.pop(),
  }));

  test('is read though its answers begin with a byte order mark', async () => {
    const plain = site.answer;
    site.answer = (request, response) => {
      const end = response.end.bind(response);
      response.end = ((body: string) => end(`\uFEFF${body}`)) as typeof response.end;
      plain(request, response);
    };
    expect([...(await listAll(open())).keys()]).toEqual(['1', '2', '3']);
  });

  test.each([
    ['page', { type: 'page', size_parameter: 'per_page', size: 2 }],
    ['page without a size', { type: 'page' }],
    ['offset', { type: 'offset', size: 2 }],
    ['Link header', { type: 'link' }],
    ['cursor', { type: 'cursor', parameter: 'after', next: 'paging.next' }],
  ])('is read to its end by %s', async (_, pagination) => {
    expect([...(await listAll(open({ pagination }))).keys()]).toEqual(['1', '2', '3']);
  });

  test('takes title, metadata and several text fields, and the text of one item where it is asked for alone', async () => {
    const listed = await listAll(
      open({ fields: { text: ['name', 'body'], title: 'name', metadata: { label: 'name' } } }),
    );
    expect(listed.get('1')).toMatchObject({ title: 'Apples', metadata: { label: 'Apples' } });
    expect(await textOf(open(), listed.get('1')!)).toBe('Apples\n\nApples are red.');
    const source = open({ item_url: '/items/{id}', fields: { text: 'item.body', version: 'name' } });
    const read = await listAll(source);
    expect(read.get('2')).toMatchObject({ version: 'Bees' });
    expect(read.get('2')?.content).toBeUndefined();
    expect(await textOf(source, read.get('2')!)).toBe('Bees make honey.');
  });

  test('credentials go as headers and never to another server', async () => {
    await listAll(open({}, 'Authorization: Bearer secret'));
    expect(site.asked[0]?.headers.authorization).toBe('Bearer secret');
    site.answer = (_, response) => send(response, { data: [], paging: { next: 'http://10.0.0.1/steal' } });
    await expect(listAll(open({}, 'Authorization: Bearer secret'))).rejects.toMatchObject({
      code: 'source_configuration',
    });
  });

  test.each([
    [401, {}, 'source_authentication', false, null],
    [404, {}, 'fetch_not_found', false, null],
    [429, { 'retry-after': '3' }, 'source_unavailable', true, 3_000],
    [500, {}, 'fetch_failed', true, null],
    [422, {}, 'fetch_refused', false, null],
  ])('status %i with %j is %s', async (status, headers, code, retryable, retryAfterMs) => {
    site.answer = (_, response) => response.writeHead(status, headers).end('secret body');
    const failure = open().check(signal);
    await expect(failure).rejects.toMatchObject({ code, retryable, retryAfterMs });
    await expect(failure).rejects.not.toMatchObject({ detail: expect.stringContaining('secret body') });
  });

  test('says what of its configuration does not fit the answers', async () => {
    await expect(open({ fields: { id: 'key', text: 'body' } }).check(signal)).rejects.toMatchObject({
      detail: expect.stringContaining('fields.id'),
    });
    const [item] = (await listAll(open({ fields: { id: 'id', text: 'nothing' } }))).values();
    expect(item?.problem).toMatchObject({ code: 'source_unavailable' });
    site.answer = (_, response) => response.end('<html>');
    await expect(open().check(signal)).rejects.toMatchObject({ code: 'fetch_malformed' });
  });
});
