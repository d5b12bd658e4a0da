import { Parser } from 'htmlparser2';
import type { TextParser } from './document-parser.ts';
import { HtmlTextWriter } from './html-text-writer.ts';

// Not shown to a reader, or not part of what the page says.
const skippedElements = new Set([
  'script', 'style', 'noscript', 'template', 'nav', 'svg', 'math', 'canvas', 'iframe', 'object', 'audio', 'video',
  'head', 'button', 'select', 'textarea', 'dialog', 'menu',
]); // prettier-ignore

// Of the page, not of its content; within the content they may belong to it.
const pageFurniture = new Set(['footer', 'aside']);

const contentElements = new Set(['main', 'article']);
const voidElements = new Set([
  'area',
  'base',
  'br',
  'col',
  'embed',
  'hr',
  'img',
  'input',
  'link',
  'meta',
  'source',
  'wbr',
]);

/**
 * The text of a page's main content: of `main` and `article` elements where there are any, else of the body without
 * navigation, footer and asides. Headings, lists, code blocks and table rows become Markdown's, and white space
 * is collapsed as a browser does.
 */
export const htmlParser: TextParser = {
  reads: 'text',
  parse(html, { mimeType }) {
    const reader = new HtmlReader();
    const parser = new Parser(
      {
        onopentag: (name, attributes) => reader.open(name, attributes),
        onclosetag: (name) => reader.close(name),
        ontext: (text) => reader.text(text),
      },
      { decodeEntities: true, lowerCaseTags: true },
    );
    parser.end(html);
    const facts = { title: null, language: null, pages: [], boundaries: null, warnings: [] };
    return { text: reader.result(), format: 'markdown', mimeType, ...facts };
  },
};

class HtmlReader {
  private readonly content = new HtmlTextWriter();
  private readonly page = new HtmlTextWriter();
  private contentDepth = 0;
  private furnitureDepth = 0;
  /** How many elements are open within the outermost skipped one, itself included. */
  private skippedDepth = 0;

  open(name: string, attributes: Record<string, string>): void {
    const isVoid = voidElements.has(name);
    if (this.skippedDepth > 0) {
      if (!isVoid) this.skippedDepth += 1;
      return;
    }
    if (isVoid) {
      this.each((writer) => writer.openElement(name));
      return;
    }
    if (skippedElements.has(name) || isHidden(attributes)) {
      this.skippedDepth = 1;
      return;
    }
    if (contentElements.has(name)) this.contentDepth += 1;
    if (pageFurniture.has(name)) this.furnitureDepth += 1;
    this.each((writer) => writer.openElement(name));
  }

  close(name: string): void {
    if (voidElements.has(name)) return;
    if (this.skippedDepth > 0) {
      this.skippedDepth -= 1;
      return;
    }
    this.each((writer) => writer.closeElement(name));
    if (contentElements.has(name)) this.contentDepth -= 1;
    if (pageFurniture.has(name)) this.furnitureDepth -= 1;
  }

  text(text: string): void {
    if (this.skippedDepth === 0) this.each((writer) => writer.write(text));
  }

  result(): string {
    return (this.content.isEmpty() ? this.page : this.content).text();
  }

  private each(use: (writer: HtmlTextWriter) => void): void {
    if (this.contentDepth > 0) use(this.content);
    // Once there is content, the rest of the page is not wanted.
    if (this.furnitureDepth === 0 && this.content.isEmpty()) use(this.page);
  }
}

function isHidden(attributes: Record<string, string>): boolean {
  return (
    'hidden' in attributes ||
    attributes['aria-hidden'] === 'true' ||
    attributes['role'] === 'navigation' ||
    /display\s*:\s*none/i.test(attributes['style'] ?? '')
  );
}
