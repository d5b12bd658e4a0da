import { Parser } from 'htmlparser2';

/** What a page says of itself and of others; addresses are absolute and have no fragment. */
export interface PageLinks {
  readonly title: string | null;
  readonly canonical: string | null;
  readonly links: readonly string[];
  readonly mayBeIndexed: boolean;
  readonly mayBeFollowed: boolean;
}

const mostLinks = 5_000;

/** Reads title, links, canonical address and the wishes to robots of an HTML page that was found at `url`. */
export function readPageLinks(html: string, url: string): PageLinks {
  let base = url;
  let title = '';
  let isTitle = false;
  let canonical: string | null = null;
  const robots: string[] = [];
  const links = new Set<string>();
  const parser = new Parser({
    onopentag(name, attributes) {
      isTitle = name === 'title' && title === '';
      const { href, rel = '', content = '' } = attributes;
      if (name === 'base' && href !== undefined) base = resolve(href, url) ?? base;
      if (name === 'meta' && attributes['name']?.toLowerCase() === 'robots') robots.push(content.toLowerCase());
      if (name === 'link' && hasWord(rel, 'canonical') && href !== undefined) canonical ??= resolve(href, base);
      if (
        (name === 'a' || name === 'area') &&
        href !== undefined &&
        !hasWord(rel, 'nofollow') &&
        links.size < mostLinks
      ) {
        const link = resolve(href, base);
        if (link !== null) links.add(link);
      }
    },
    ontext(part) {
      if (isTitle) title += part;
    },
    onclosetag(name) {
      if (name === 'title') isTitle = false;
    },
  });
  parser.end(html);
  const isForbidden = (word: string) => robots.some((wish) => /\bnone\b/.test(wish) || wish.includes(word));
  return {
    title: title.replaceAll(/\s+/g, ' ').trim() || null,
    canonical,
    links: [...links],
    mayBeIndexed: !isForbidden('noindex'),
    mayBeFollowed: !isForbidden('nofollow'),
  };
}

/** Parameters that tell where a visitor came from and nothing about the page. */
const trackers = /^(?:utm_\w+|gclid|fbclid|mc_[ce]id)$/;

/** One form for each address: without fragment and without what only tracks; null if it is none of the web. */
export function canonicalAddress(address: string, base?: string): string | null {
  const url = URL.parse(address, base);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '') return null;
  url.hash = '';
  for (const name of [...url.searchParams.keys()]) if (trackers.test(name)) url.searchParams.delete(name);
  return url.href.length <= 2000 ? url.href : null;
}

function resolve(href: string, base: string): string | null {
  return canonicalAddress(href.trim(), base);
}

function hasWord(list: string, word: string): boolean {
  return list.toLowerCase().split(/\s+/).includes(word);
}
