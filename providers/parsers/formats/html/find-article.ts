import { Readability } from '@mozilla/readability';
import { stripFurniture } from './strip-page.ts';
import { nodeTypes } from './html-dom.ts';
import type { HtmlDocument, HtmlElement } from './html-dom.ts';

/** What of a page is its content. */
export interface PageContent {
  readonly root: HtmlElement;
  /** As the page's metadata name it, without the name of the site. */
  readonly title: string | null;
}

// Shorter runs of text are labels, links and captions.
const shortestProse = 80;
const mostLost = 0.34;

// The search takes a tenth of a second for a thousand elements, and pages with more than these are lists.
const mostElements = 20_000;
const blockNames = new Set([
  'P', 'DIV', 'LI', 'TD', 'TH', 'PRE', 'BLOCKQUOTE', 'DD', 'DT', 'SECTION', 'ARTICLE', 'MAIN', 'BODY', 'FIGCAPTION',
]); // prettier-ignore

/**
 * Finds the article of a page (Mozilla's Readability). A page that is none, such as a home page, a filing or a table, is
 * taken as a whole without the site's furniture: it is one when the article would lose a third of what there is to read.
 * Changes the document.
 */
export function findArticle(document: HtmlDocument): PageContent {
  const article = readArticle(document);
  const body = document.body;
  stripFurniture(body);
  const whole = mainOf(body);
  const title = article?.title?.trim() || null;
  if (article?.content == null) return { root: whole, title };
  const kept = proseLength(article.content) / Math.max(proseLength(whole), 1);
  const keptText = lengthOf(article.content) / Math.max(lengthOf(whole), 1);
  return kept >= 1 - mostLost && keptText > 0.2 ? { root: article.content, title } : { root: whole, title };
}

/** The article in a copy of the page, because the library takes the page apart. */
function readArticle(document: HtmlDocument) {
  if ([...document.querySelectorAll('*')].length > mostElements) return null;
  try {
    const copy = document.cloneNode(true) as unknown as ConstructorParameters<typeof Readability>[0];
    return new Readability<HtmlElement>(copy, { serializer: (node) => node }).parse();
  } catch {
    // Markup that makes no page: what there is of it is read as a whole.
    return null;
  }
}

/** The page's main element where it holds most of it, else the body. */
function mainOf(body: HtmlElement): HtmlElement {
  const main = body.querySelector('main,[role="main"]');
  return main !== null && lengthOf(main) > 0.5 * lengthOf(body) ? main : body;
}

/** Letters in blocks that are long enough to be read and are not links; cells of tables count however short. */
function proseLength(root: HtmlElement): number {
  let length = 0;
  for (const element of [root, ...root.querySelectorAll('p,div,li,td,pre,blockquote,dd,section,article,main')]) {
    const own = ownLength(element);
    if (own >= shortestProse || element.nodeName === 'TD' || element.nodeName === 'PRE') length += own;
  }
  return length;
}

/** Letters of an element outside of links and of blocks within it. */
function ownLength(element: HtmlElement): number {
  let length = 0;
  for (const child of element.childNodes) {
    if (child.nodeType === nodeTypes.text) length += (child.textContent ?? '').trim().length;
    else if (child.nodeType === nodeTypes.element && child.nodeName !== 'A' && !blockNames.has(child.nodeName)) {
      length += ownLength(child as HtmlElement);
    }
  }
  return length;
}

function lengthOf(element: HtmlElement): number {
  return (element.textContent ?? '').replaceAll(/\s+/g, ' ').length;
}
