import { createHash } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebConfiguration } from '../../contracts/source-configuration.ts';
import { FetchError } from '../fetch/fetch-error.ts';
import type { GuardedFetch, GuardedResponse } from '../fetch/guarded-fetch.ts';
import type { DocumentSource, ListContext, SourceCursor, SourceItem, SourcePage } from './document-source.ts';
import { readHeaderLines } from './header-lines.ts';
import { canonicalAddress, readPageLinks } from './read-page-links.ts';
import { readSitemap } from './read-sitemap.ts';
import { requireSuccess } from './require-success.ts';
import type { ReadRobotsRules } from './robots-rules.ts';

type WebCursor = { kind: 'page' | 'sitemap'; url: string; depth: number; changed?: string | null };

/** What a page is remembered by; `links` are where it led when it last changed. */
type PageMemory = {
  etag?: string;
  lastModified?: string;
  changed?: string | null;
  version?: string;
  title?: string | null;
  links?: readonly string[];
};

const notDocuments =
  /\.(?:png|jpe?g|gif|webp|avif|svg|ico|css|m?js|map|woff2?|ttf|eot|mp[34]|webm|ogg|wav|avi|mov|zip|gz|tgz|bz2|xz|7z|rar|exe|dmg|iso|deb|rpm|apk)$/i;
const notDocumentTypes =
  /^(?:image|audio|video|font)\/|^text\/(?:css|javascript)|^application\/(?:javascript|zip|gzip|octet-stream|wasm)/;
/** Links that are remembered for a page that did not change; a page with more is read anew. */
const rememberedLinks = 300;

/**
 * A web site, as far as its robots.txt and its own wishes allow: start pages, what sitemaps name, and what links lead to
 * on the same hosts. A page that was read before is asked for conditionally, and one whose sitemap says that it did not
 * change is not asked for at all.
 */
export function createWebSource(
  settings: WebConfiguration,
  connectionString: string | null,
  tools: { fetch: GuardedFetch; robots: ReadRobotsRules },
): DocumentSource {
  const starts = settings.start.map((address) => canonicalAddress(address) ?? address);
  const hosts = new Set([...starts.map((address) => new URL(address).host), ...settings.hosts]);
  const credentials = readHeaderLines(connectionString);
  const origins = new Set(starts.map((address) => new URL(address).origin));
  const asked = new Map<string, number>();
  const created = Date.now();

  async function get(url: string, signal: AbortSignal, headers: Record<string, string> = {}): Promise<GuardedResponse> {
    return tools.fetch({
      url,
      signal,
      headers: { accept: 'text/html,application/xhtml+xml,application/pdf;q=0.9,*/*;q=0.5', ...headers },
      ...(origins.has(new URL(url).origin) ? { credentials } : {}),
      onHop: async (hop) => {
        if (!hosts.has(hop.host)) throw new OutOfBounds(hop.href);
        const rules = await tools.robots(hop.origin, signal);
        if (!rules.isAllowed(hop.href)) throw new OutOfBounds(hop.href);
        await keepPace(hop.host, Math.max(rules.delayMs, settings.delay_ms), signal);
      },
    });
  }

  async function keepPace(host: string, pauseMs: number, signal: AbortSignal): Promise<void> {
    // Steps follow each other closely: the first request of one waits as if another had been made just before.
    const next = (asked.get(host) ?? created) + pauseMs;
    const waitMs = next - Date.now();
    if (waitMs > 0) await delay(waitMs, undefined, { signal });
    asked.set(host, Date.now());
  }

  async function listStart(signal: AbortSignal): Promise<SourcePage> {
    const next = starts.map((url) => cursorOf({ kind: 'page', url, depth: 0 }));
    if (!settings.sitemap) return { items: [], next };
    for (const origin of origins) {
      const { sitemaps } = await tools.robots(origin, signal);
      for (const url of sitemaps.length > 0 ? sitemaps : [`${origin}/sitemap.xml`])
        if (URL.canParse(url)) next.push(cursorOf({ kind: 'sitemap', url, depth: 0 }));
    }
    return { items: [], next };
  }

  async function listSitemap({ url, depth }: WebCursor, signal: AbortSignal): Promise<SourcePage> {
    if (depth > 3) return { items: [], next: [] };
    const response = await get(url, signal).catch((error: unknown) => {
      if (error instanceof OutOfBounds) return null;
      throw error;
    });
    if (response === null || response.status === 404 || response.status === 410) return { items: [], next: [] };
    const { pages, sitemaps } = readSitemap(requireSuccess(response).bytes);
    const further = sitemaps.filter((one) => hosts.has(URL.parse(one)?.host ?? ''));
    return {
      items: [],
      next: [
        ...further.map((one) => cursorOf({ kind: 'sitemap', url: one, depth: depth + 1 })),
        ...pages.flatMap(({ url: page, changed: lastmod }) => {
          const address = canonicalAddress(page, url);
          return address !== null && isWanted(address)
            ? [cursorOf({ kind: 'page', url: address, depth: 0, changed: lastmod })]
            : [];
        }),
      ],
    };
  }

  async function listPage(page: WebCursor, context: ListContext): Promise<SourcePage> {
    if (context.listed >= settings.max_pages)
      return {
        items: [],
        next: [],
        incomplete: `The site has more than max_pages (${settings.max_pages}) pages. Raise it.`,
      };
    const memory = (await context.recall(page.url)) as PageMemory | null;
    const isRemembered = memory?.version !== undefined && memory.links !== undefined;
    // As the sitemap protocol means it: what did not change since then need not be asked for.
    if (isRemembered && page.changed && memory.changed === page.changed) return unchanged(page, memory);
    const conditions = isRemembered ? conditionsOf(memory) : {};
    let response: GuardedResponse;
    try {
      response = await get(page.url, context.signal, conditions);
      if (response.status === 304 && isRemembered) return unchanged(page, { ...memory, changed: page.changed ?? null });
      requireSuccess(response);
    } catch (error) {
      return without(page, memory !== null, error);
    }
    return changed(page, response);
  }

  /**
   * What comes of a page that cannot be had. A start page is the owner's to mend. Of the others, one that is not there, or
   * that is kept from us and always was, is none of the source's; what was read before, or is there and unreadable, fails.
   */
  function without(page: WebCursor, isKnown: boolean, error: unknown): SourcePage {
    if (!(error instanceof FetchError) || error.retryable || starts.includes(page.url)) throw error;
    const { code, detail, status } = error;
    const isGone = code === 'fetch_not_found' || error instanceof OutOfBounds;
    const isKept = status !== null || code === 'fetch_too_many_redirects';
    if (isGone || (isKept && !isKnown)) return { items: [], next: [] };
    const problem = { code: code === 'fetch_too_large' ? code : ('fetch_refused' as const), detail };
    return { items: [{ path: page.url, sourceUrl: page.url, version: null, problem }], next: [] };
  }

  function changed(page: WebCursor, response: GuardedResponse): SourcePage {
    const mediaType = mediaTypeOf(response);
    if (notDocumentTypes.test(mediaType)) return { items: [], next: [] };
    const isHtml = mediaType === '' || /html/.test(mediaType);
    const found = isHtml ? readPageLinks(decode(response), response.url) : null;
    const wishes = (response.headers['x-robots-tag'] ?? '').toLowerCase();
    const links = found?.mayBeFollowed === false || /nofollow|none/.test(wishes) ? [] : (found?.links ?? []);
    const next = following(page, links);
    if (found?.mayBeIndexed === false || /noindex|none/.test(wishes)) return { items: [], next };
    const version = `sha256-${createHash('sha256').update(response.bytes).digest('base64url')}`;
    const item: SourceItem = {
      path: ownAddress(response.url, found?.canonical ?? null),
      title: found?.title ?? undefined,
      sourceUrl: response.url.slice(0, 2000),
      version,
      memory: memoryOf(page, response, { version, title: found?.title ?? null, links }),
      content: contentOf(response),
    };
    return { items: isWanted(item.path) ? [item] : [], next };
  }

  function unchanged(page: WebCursor, memory: PageMemory): SourcePage {
    const item = {
      path: page.url,
      title: memory.title ?? undefined,
      sourceUrl: page.url,
      version: memory.version ?? null,
      memory: { ...memory },
    };
    return { items: [item], next: following(page, memory.links ?? []) };
  }

  function following(page: WebCursor, links: readonly string[]): SourceCursor[] {
    if (!settings.follow_links || page.depth >= settings.max_depth) return [];
    return links.filter(isWanted).map((url) => cursorOf({ kind: 'page', url, depth: page.depth + 1 }));
  }

  function isWanted(address: string): boolean {
    const { host, pathname } = new URL(address);
    if (!hosts.has(host) || notDocuments.test(pathname)) return false;
    if (starts.includes(address)) return true;
    const matches = (glob: string) => path.matchesGlob(pathname, glob);
    return (settings.include.length === 0 || settings.include.some(matches)) && !settings.exclude.some(matches);
  }

  /** A page's own word for its address counts where it stays on the site. */
  function ownAddress(url: string, canonical: string | null): string {
    const own = canonicalAddress(url) ?? url;
    return canonical !== null && hosts.has(new URL(canonical).host) && isWanted(canonical) ? canonical : own;
  }

  return {
    async check(signal) {
      const response = requireSuccess(await get(starts[0]!, signal));
      return { detail: `${response.url} answers with ${mediaTypeOf(response) || 'content of no stated type'}.` };
    },
    async list(cursor, context) {
      if (cursor === null) return listStart(context.signal);
      const page = JSON.parse(cursor) as WebCursor;
      return page.kind === 'sitemap' ? listSitemap(page, context.signal) : listPage(page, context);
    },
    async fetch(item, signal) {
      try {
        const response = await get(item.sourceUrl ?? item.path, signal);
        return contentOf(requireSuccess(response));
      } catch (error) {
        if (error instanceof OutOfBounds || (error instanceof FetchError && error.code === 'fetch_not_found'))
          return null;
        throw error;
      }
    },
    close: async () => {},
  };
}

/** Thrown when robots.txt or the source's hosts leave an address out: it is not the source's. */
class OutOfBounds extends FetchError {
  constructor(address: string) {
    super('fetch_refused', `${new URL(address).origin} or its robots.txt leaves this address out.`);
  }
}

function cursorOf(page: WebCursor): SourceCursor {
  return { key: `${page.kind} ${page.url}`, cursor: JSON.stringify(page) };
}

function conditionsOf({ etag, lastModified }: PageMemory): Record<string, string> {
  if (etag !== undefined) return { 'if-none-match': etag };
  return lastModified === undefined ? {} : { 'if-modified-since': lastModified };
}

function memoryOf(
  page: WebCursor,
  response: GuardedResponse,
  { version, title, links }: { version: string; title: string | null; links: readonly string[] },
): Record<string, unknown> {
  const { etag, 'last-modified': lastModified } = response.headers;
  // Reached under another name, or too large to remember: it is read in full the next time.
  if (response.url !== page.url || links.length > rememberedLinks) return {};
  return {
    version,
    title,
    links,
    changed: page.changed ?? null,
    ...(etag === undefined ? {} : { etag: etag.slice(0, 500) }),
    ...(lastModified === undefined ? {} : { lastModified: lastModified.slice(0, 100) }),
  };
}

function contentOf(response: GuardedResponse) {
  return { bytes: response.bytes, mediaType: mediaTypeOf(response) || null, charset: charsetOf(response) };
}

function mediaTypeOf({ headers }: GuardedResponse): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

function charsetOf({ headers }: GuardedResponse): string | null {
  return /;\s*charset\s*=\s*"?([\w.:-]+)"?/i.exec(headers['content-type'] ?? '')?.[1] ?? null;
}

/** Links and title are ASCII or close to it: an encoding that is not known leaves the links intact. */
function decode(response: GuardedResponse): string {
  const head = response.bytes.subarray(0, 4096).toString('latin1');
  const label = charsetOf(response) ?? /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(label).decode(response.bytes);
  } catch {
    return response.bytes.toString('utf8');
  }
}
