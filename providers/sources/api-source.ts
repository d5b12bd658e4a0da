import { PerdureError } from '../../contracts/errors.ts';
import { countOf } from '../../contracts/names/count-of.ts';
import type { ApiConfiguration } from '../../contracts/source-configuration.ts';
import { FetchError } from '../fetch/fetch-error.ts';
import type { GuardedFetch, GuardedResponse } from '../fetch/guarded-fetch.ts';
import type { DocumentSource, SourceCursor, SourceItem } from './document-source.ts';
import { readHeaderLines } from './header-lines.ts';
import { readField, readText } from './item-fields.ts';
import { requireSuccess } from './require-success.ts';

/** More pages than this are a server that has no end. */
const mostPages = 100_000;

type ApiCursor = { url: string; number: number };

/**
 * Items of a REST interface, as JSON. An item's text comes with the list, or from `item_url` where that is given. Pages
 * and credentials stay with the origin of the configured address.
 */
export function createApiSource(
  settings: ApiConfiguration,
  connectionString: string | null,
  fetch: GuardedFetch,
): DocumentSource {
  const credentials = readHeaderLines(connectionString);
  const origin = new URL(settings.url).origin;

  async function get(url: string, signal: AbortSignal): Promise<{ response: GuardedResponse; body: unknown }> {
    if (new URL(url).origin !== origin)
      throw new PerdureError('source_configuration', `The source leads to another server, ${new URL(url).origin}.`);
    const headers = { accept: 'application/json', ...settings.headers };
    const response = requireSuccess(await fetch({ url, headers, credentials, signal }));
    try {
      return { response, body: JSON.parse(new TextDecoder().decode(response.bytes)) as unknown };
    } catch {
      throw new FetchError('fetch_malformed', `${origin} answers with something that is not JSON.`);
    }
  }

  async function readPage(page: ApiCursor, signal: AbortSignal) {
    const { response, body } = await get(page.url, signal);
    const list = readField(body, settings.items);
    if (!Array.isArray(list))
      throw new PerdureError('source_configuration', `configuration.items: there is no list at "${settings.items}".`);
    return {
      items: list.map((item) => itemOf(item, settings)),
      next: nextPage(settings, page, { response, body, count: list.length }),
    };
  }

  return {
    async check(signal) {
      const { items } = await readPage(firstPage(settings), signal);
      return { detail: `${origin} answers; the first page has ${countOf(items.length, 'item')}.` };
    },
    async list(cursor, { signal }) {
      const page = cursor === null ? firstPage(settings) : (JSON.parse(cursor) as ApiCursor);
      const { items, next } = await readPage(page, signal);
      return { items, next: next === null ? [] : [next] };
    },
    async fetch(item, signal) {
      if (settings.item_url === undefined)
        throw new FetchError('fetch_refused', 'The text comes with the list alone. Sync the source again.');
      const url = new URL(settings.item_url.replaceAll('{id}', encodeURIComponent(item.path)), settings.url).href;
      const { body } = await get(url, signal).catch((error: unknown) => {
        if (error instanceof FetchError && error.code === 'fetch_not_found') return { body: null };
        throw error;
      });
      if (body === null) return null;
      const text = readText(body, settings.fields.text);
      if (text === null) throw noText(item.path);
      return { bytes: Buffer.from(text, 'utf8'), mediaType: settings.media_type, charset: 'utf-8' };
    },
    close: async () => {},
  };
}

function itemOf(item: unknown, settings: ApiConfiguration): SourceItem {
  const { fields, item_url: itemUrl, media_type: mediaType } = settings;
  const field = (where: string | undefined) =>
    where === undefined ? undefined : (scalar(readField(item, where)) ?? undefined);
  const id = field(fields.id);
  if (id === undefined || id === '')
    throw new PerdureError('source_configuration', `configuration.fields.id: an item has no "${fields.id}".`);
  const metadata = Object.fromEntries(
    Object.entries(fields.metadata).map(([name, where]) => [name, readField(item, where) ?? null]),
  );
  const described = {
    path: id,
    title: field(fields.title),
    sourceUrl: httpOnly(field(fields.url)),
    author: field(fields.author),
    version: field(fields.version) ?? null,
    metadata,
  };
  if (itemUrl !== undefined) return described;
  const text = readText(item, fields.text);
  if (text === null) return { ...described, problem: { code: 'source_unavailable', detail: noText(id).detail } };
  return { ...described, content: { bytes: Buffer.from(text, 'utf8'), mediaType, charset: 'utf-8' } };
}

function firstPage({ url, pagination }: ApiConfiguration): ApiCursor {
  const address = new URL(url);
  if (pagination.type === 'page') {
    address.searchParams.set(pagination.parameter, String(pagination.first));
    if (pagination.size_parameter !== undefined)
      address.searchParams.set(pagination.size_parameter, String(pagination.size));
  }
  if (pagination.type === 'offset') {
    address.searchParams.set(pagination.parameter, '0');
    address.searchParams.set(pagination.size_parameter, String(pagination.size));
  }
  return { url: address.href, number: 1 };
}

function nextPage(
  { url, pagination }: ApiConfiguration,
  page: ApiCursor,
  answer: { response: GuardedResponse; body: unknown; count: number },
): SourceCursor | null {
  const following = () => {
    const address = new URL(page.url);
    if (pagination.type === 'page') {
      if (answer.count === 0 || (pagination.size_parameter !== undefined && answer.count < pagination.size))
        return null;
      address.searchParams.set(pagination.parameter, String(pagination.first + page.number));
      return address.href;
    }
    if (pagination.type === 'offset') {
      if (answer.count === 0) return null;
      const offset = Number(address.searchParams.get(pagination.parameter) ?? '0');
      address.searchParams.set(pagination.parameter, String(offset + answer.count));
      return address.href;
    }
    if (pagination.type === 'link') {
      const link = nextLink(answer.response.headers['link']);
      return link === null ? null : new URL(link, page.url).href;
    }
    if (pagination.type === 'none') return null;
    const next = scalar(readField(answer.body, pagination.next));
    if (next === null || next === '') return null;
    if (/^https?:\/\/|^\//.test(next)) return new URL(next, page.url).href;
    const first = new URL(url);
    first.searchParams.set(pagination.parameter, next);
    return first.href;
  };
  const next = following();
  if (next === null) return null;
  if (page.number >= mostPages)
    throw new PerdureError(
      'source_configuration',
      `The list has no end after ${mostPages} pages. Look at its pagination.`,
    );
  return { key: next, cursor: JSON.stringify({ url: next, number: page.number + 1 } satisfies ApiCursor) };
}

/** The address of rel="next" in a Link header (RFC 8288), null when there is none. */
function nextLink(header: string | undefined): string | null {
  for (const [, target, parameters] of (header ?? '').matchAll(
    /<([^>]*)>((?:\s*;\s*[^,;=]+(?:=(?:"[^"]*"|[^,;"]*))?)*)/g,
  ))
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)/i.test(parameters ?? '')) return target ?? null;
  return null;
}

function scalar(value: unknown): string | null {
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : null;
}

function httpOnly(address: string | undefined): string | undefined {
  return address !== undefined && /^https?:\/\//.test(address) ? address.slice(0, 2000) : undefined;
}

function noText(id: string): PerdureError {
  return new PerdureError(
    'source_configuration',
    `The item ${id.slice(0, 100)} has no text where configuration.fields.text says.`,
  );
}
