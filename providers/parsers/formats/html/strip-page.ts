import type { HtmlDocument, HtmlElement } from './html-dom.ts';
// Not shown to a reader, or not part of what the page says.
const unseen = [
  'script', 'style', 'noscript', 'template', 'link', 'meta', 'title', 'svg', 'canvas', 'iframe', 'object', 'embed', 'audio',
  'video', 'button', 'select', 'textarea', 'input', 'dialog', '[hidden]', '[aria-hidden="true"]',
  '.mw-editsection', '.mw-jump-link', '.noprint', '.printfooter', '.catlinks', '.navbox', '.sr-only', '.visually-hidden',
].join(','); // prettier-ignore

// Of the site, not of the page.
const furniture = [
  'nav', 'footer', 'aside', '[role="navigation"]', '[role="banner"]', '[role="contentinfo"]', '[role="search"]',
  '[role="complementary"]', '.navbar', '.breadcrumb', '.breadcrumbs', '.sidebar', '.site-header', '.site-footer',
  '.cookie-banner', '.cookie-consent', '.skip-link',
].join(','); // prettier-ignore

// Boxes within a text, which the search for the article takes for the site's.
const boxed = 'article aside, main aside, [role="main"] aside, aside[role="note"]';
const boxName =
  /\b(?:note|tip|hint|warning|caution|danger|important|admonition|callout|info|alert|example|definition)\b/i;

/**
 * Takes away what a reader of the page does not see. Formulas become the notation that they were written in; notes beside
 * the text and the sources of quotations become parts of it.
 */
export function stripUnseen(document: HtmlDocument): void {
  for (const box of document.querySelectorAll(boxed)) {
    const named = `${box.getAttribute('class') ?? ''} ${box.getAttribute('role') ?? ''}`.replaceAll(/[_-]/g, ' ');
    if (boxName.test(named)) becomes(document, box, 'div');
  }
  for (const source of document.querySelectorAll('blockquote footer')) becomes(document, source, 'p');
  for (const math of document.querySelectorAll('math')) {
    const source = math.getAttribute('alttext') ?? math.querySelector('annotation')?.textContent ?? math.textContent;
    math.replaceWith(document.createTextNode(` $${(source ?? '').trim()}$ `));
  }
  for (const element of document.querySelectorAll(unseen)) element.remove();
  for (const element of document.querySelectorAll('[style]')) {
    if (/display\s*:\s*none|visibility\s*:\s*hidden/i.test(element.getAttribute('style') ?? '')) element.remove();
  }
}

function becomes(document: HtmlDocument, element: HtmlElement, name: string): void {
  const made = document.createElement(name);
  made.append(...element.childNodes);
  element.replaceWith(made);
}

/** Takes away what belongs to the site. A header stays if it has a heading, because it may be the page's own. */
export function stripFurniture(root: HtmlElement): void {
  for (const element of root.querySelectorAll(furniture)) element.remove();
  for (const header of root.querySelectorAll('header')) {
    if (header.querySelector('h1,h2,h3') === null) header.remove();
  }
}
