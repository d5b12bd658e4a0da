import type { TextParser } from '../../document-parser.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import type { HtmlElement } from './html-dom.ts';
import { findArticle } from './find-article.ts';
import { htmlToMarkdown } from './html-to-markdown.ts';
import { openHtml } from './open-html.ts';
import { stripUnseen } from './strip-page.ts';

/**
 * Web pages: the article without its furniture, as findArticle finds it, with headings, lists, tables and code. The title
 * of an article stands before it.
 */
export const htmlArticleParser: TextParser = {
  reads: 'text',
  parse(html, { mimeType, limits }) {
    const { document, language } = openHtml(html);
    const pageTitle = document.querySelector('title')?.textContent?.replaceAll(/\s+/g, ' ').trim() || null;
    const metaTitle = document.querySelector('meta[property="og:title"]')?.getAttribute('content')?.trim() || null;
    stripUnseen(document);
    const firstHeading = document.querySelector('h1')?.textContent?.replaceAll(/\s+/g, ' ').trim() || null;
    const { root, title } = findArticle(document);
    const writer = new MarkdownWriter(limits.outputCharacters);
    if (firstHeading !== null && root.querySelector('h1') === null) {
      // The search for the article leaves the title out, or makes a heading of the second level of it.
      headingLike(root, firstHeading)?.remove();
      writer.heading(1, firstHeading);
    }
    htmlToMarkdown(root, writer);
    return {
      text: writer.text(),
      format: 'markdown',
      mimeType,
      title: metaTitle ?? title ?? pageTitle ?? firstHeading,
      language,
      pages: [],
      boundaries: null,
      warnings: [],
    };
  },
};

function headingLike(root: HtmlElement, title: string): HtmlElement | undefined {
  return [...root.querySelectorAll('h2')].find(
    (heading) => heading.textContent?.replaceAll(/\s+/g, ' ').trim() === title,
  );
}
