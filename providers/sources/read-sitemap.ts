import { gunzipSync } from 'node:zlib';
import { Parser } from 'htmlparser2';
import { FetchError } from '../fetch/fetch-error.ts';

/** What a sitemap names: pages with the time of their last change, and further sitemaps. */
export interface Sitemap {
  readonly pages: readonly { readonly url: string; readonly changed: string | null }[];
  readonly sitemaps: readonly string[];
}

/** The protocol's own limits (sitemaps.org): 50,000 entries and 50 MB. */
const mostEntries = 50_000;
const mostBytes = 50 * 1024 * 1024;

/**
 * Reads a sitemap or an index of sitemaps, plain or in gzip. Text that is neither names nothing.
 * @throws FetchError `fetch_malformed` when the gzip is broken or unpacks to too much.
 */
export function readSitemap(bytes: Buffer): Sitemap {
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? unpack(bytes) : bytes).toString('utf8');
  const pages: { url: string; changed: string | null }[] = [];
  const sitemaps: string[] = [];
  let entry: { loc: string; lastmod: string } | null = null;
  let field: 'loc' | 'lastmod' | null = null;
  const parser = new Parser(
    {
      onopentag(name) {
        const local = name.replace(/^.*:/, '');
        if (local === 'url' || local === 'sitemap') entry = { loc: '', lastmod: '' };
        field = name === local && (local === 'loc' || local === 'lastmod') ? local : null;
      },
      ontext(part) {
        if (entry && field) entry[field] += part;
      },
      onclosetag(name) {
        field = null;
        if (!entry || pages.length + sitemaps.length >= mostEntries) return;
        const url = entry.loc.trim();
        if (name === 'sitemap' && url !== '') sitemaps.push(url);
        if (name === 'url' && url !== '') pages.push({ url, changed: entry.lastmod.trim() || null });
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(text);
  return { pages, sitemaps };
}

function unpack(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes });
  } catch {
    throw new FetchError('fetch_malformed', 'A sitemap in gzip is broken, or unpacks to more than 50 MB.');
  }
}
