import { MarkdownWriter } from '../markdown-writer.ts';
import { htmlToMarkdown } from './html-to-markdown.ts';
import { openHtml } from './open-html.ts';
import { stripUnseen } from './strip-page.ts';

/** All that a reader sees of HTML which is part of another document, as Markdown; nothing is taken for furniture. */
export function htmlFragmentText(html: string): string {
  const { document } = openHtml(html);
  stripUnseen(document);
  const writer = new MarkdownWriter(Number.POSITIVE_INFINITY);
  htmlToMarkdown(document.body, writer);
  return writer.text();
}
