import type { HtmlDocument, HtmlElement } from './html-dom.ts';
import { mathmlToLatex } from './mathml-to-latex.ts';

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

// Signs beside a title that copy its address.
const titleLinks = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'dt'].map((name) => `${name} a[href^="#"]`).join(',');

// Boxes within a text, which the search for the article takes for the site's.
const boxed = 'article aside, main aside, [role="main"] aside, aside[role="note"]';
const boxName =
  /\b(?:note|tip|hint|warning|caution|danger|important|admonition|callout|info|alert|example|definition)\b/i;

/**
 * Takes away what a reader of the page does not see. Formulas become the notation that they were written in; notes beside
 * the text, the sources of quotations, and answers and tabs that a click opens become parts of it.
 */
export function stripUnseen(document: HtmlDocument): void {
  for (const box of document.querySelectorAll(boxed)) {
    const named = `${box.getAttribute('class') ?? ''} ${box.getAttribute('role') ?? ''}`.replaceAll(/[_-]/g, ' ');
    if (boxName.test(named)) becomes(document, box, 'div');
  }
  for (const source of document.querySelectorAll('blockquote footer')) becomes(document, source, 'p');
  for (const math of document.querySelectorAll('math')) {
    const source = math.getAttribute('alttext') ?? math.querySelector('annotation')?.textContent;
    math.replaceWith(document.createTextNode(` $${(source ?? mathmlToLatex(math)).trim()}$ `));
  }
  for (const link of document.querySelectorAll(titleLinks))
    if (/^[¶#§🔗]?$/u.test((link.textContent ?? '').trim())) link.remove();
  for (const element of document.querySelectorAll(hiddenOnes)) if (isFolded(element)) unfold(element);
  for (const element of document.querySelectorAll(unseen)) element.remove();
  for (const element of document.querySelectorAll('[style]')) {
    if (hiddenByStyle.test(element.getAttribute('style') ?? '')) element.remove();
  }
}

// Answers below their questions, and tabs: a reader sees them after a click.
const hiddenOnes = '[hidden],[aria-hidden="true"],[style]';
const hiddenByStyle = /display\s*:\s*none|visibility\s*:\s*hidden/i;
const foldedName = /accordion|collaps|tab-?(?:pane|content|panel)|answer|faq|expand|toggle/i;
const ofTheSite = /menu|nav|modal|dialog|popup|cookie|banner|drop-?down|tool-?tip|search|share|login|template/i;
const opener = /^(?:H[1-6]|DT|SUMMARY|BUTTON)$/;
const leastFolded = 20;

function isFolded(element: HtmlElement): boolean {
  const style = element.getAttribute('style');
  const isHidden = element.getAttribute('hidden') !== null || element.getAttribute('aria-hidden') === 'true';
  if (!isHidden && !hiddenByStyle.test(style ?? '')) return false;
  const named = ['class', 'id', 'role'].map((name) => element.getAttribute(name) ?? '').join(' ');
  if (ofTheSite.test(named) || (element.textContent ?? '').trim().length < leastFolded) return false;
  return foldedName.test(named) || opener.test(element.previousElementSibling?.nodeName.toUpperCase() ?? '');
}

function unfold(element: HtmlElement): void {
  for (const name of ['hidden', 'aria-hidden', 'style']) element.removeAttribute(name);
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
