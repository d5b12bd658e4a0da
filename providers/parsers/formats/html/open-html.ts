import { parseHTML } from 'linkedom';
import type { HtmlDocument, HtmlElement } from './html-dom.ts';

/** A page in memory, and what its outermost tag says of it. */
export interface HtmlPage {
  readonly document: HtmlDocument;
  /** ISO 639-1. */
  readonly language: string | null;
}

// A page may lack them, or have them twice or in the wrong place; a browser makes one skeleton of it all the same.
const skeletonTags = /<!doctype[^>]*>|<\/?(?:html|head|body)(?=[\s>/])[^>]*>/gi;

// Where a browser may divide a word: shown only if it does.
const wordBreaks = /\u00AD|&shy;|&#173;|&#xad;/gi;

// Pages nest some dozens deep. Looking for the article takes time with the square of the depth.
const deepest = 200;

/** Reads a page or a fragment of one; nothing in it is run or fetched. */
export function openHtml(html: string): HtmlPage {
  const language = /<html\b[^>]*?\blang\s*=\s*["']?([a-z]{2})(?=["'\s>_-])/i.exec(html)?.[1]?.toLowerCase() ?? null;
  const content = html.replaceAll(skeletonTags, '').replaceAll(wordBreaks, '');
  const { document } = parseHTML(`<!doctype html><html><head></head><body>${content}</body></html>`);
  const page = document as unknown as HtmlDocument;
  limitDepth(page.body);
  return { document: page, language };
}

/** What is nested too deep keeps its text and loses its structure. */
function limitDepth(root: HtmlElement): void {
  const open = [{ element: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { element, depth } = next;
    const text = depth >= deepest ? element.textContent : null;
    if (text !== null) element.textContent = text;
    else for (const child of element.children) open.push({ element: child, depth: depth + 1 });
  }
}
