import type { MarkdownWriter } from '../markdown-writer.ts';
import { dataTable } from './html-table.ts';
import { nodeTypes } from './html-dom.ts';
import type { HtmlElement, HtmlNode } from './html-dom.ts';

const inline = new Set([
  'A', 'ABBR', 'ACRONYM', 'B', 'BDI', 'BDO', 'BIG', 'CITE', 'CODE', 'DATA', 'DEL', 'DFN', 'EM', 'FONT', 'I', 'IMG', 'INS',
  'KBD', 'LABEL', 'MARK', 'NOBR', 'OUTPUT', 'Q', 'RB', 'RUBY', 'S', 'SAMP', 'SMALL', 'SPAN', 'STRIKE', 'STRONG', 'SUB',
  'SUP', 'TIME', 'TT', 'U', 'VAR', 'WBR', 'BR',
]); // prettier-ignore

// Readings above characters are not part of the line.
const skipped = new Set(['RT', 'RP', 'RTC']);

// Deeper nesting only moves text to the right.
const deepestList = 8;
const deepest = 400;

/** Writes the content of an element as Markdown; white space is collapsed as a browser does. */
export function htmlToMarkdown(root: HtmlElement, writer: MarkdownWriter): void {
  new ElementWriter(writer).children(root, 0);
}

class ElementWriter {
  private readonly writer: MarkdownWriter;
  /** The text that has been read since the last block. */
  private line = '';
  private readonly lists: { next: number | null }[] = [];
  /** The mark of the item whose first text is still to come. */
  private mark: string | null = null;

  constructor(writer: MarkdownWriter) {
    this.writer = writer;
  }

  children(node: HtmlNode, depth: number): void {
    // Text that is nested deeper is still read, but without its structure.
    if (depth > deepest) this.line += node.textContent ?? '';
    else for (const child of node.childNodes) this.node(child, depth + 1);
    if (depth === 0) this.flush();
  }

  private node(node: HtmlNode, depth: number): void {
    const name = node.nodeName.toUpperCase();
    if (node.nodeType === nodeTypes.text) this.line += (node.textContent ?? '').replaceAll(/[ \t\r\n\f\u00a0]+/g, ' ');
    if (node.nodeType !== nodeTypes.element || skipped.has(name)) return;
    const element = node as HtmlElement;
    if (name === 'BR') this.line += '\n';
    else if (name === 'IMG') this.line += describeImage(element);
    else if (inline.has(name)) this.children(element, depth);
    else this.block(element, name, depth);
  }

  private block(element: HtmlElement, name: string, depth: number): void {
    this.flush();
    if (/^H[1-6]$/.test(name)) this.writer.heading(Number(name[1]), element.textContent ?? '');
    else if (name === 'PRE') this.code(element);
    else if (name === 'UL' || name === 'OL' || name === 'MENU') this.list(element, name, depth);
    else if (name === 'LI') this.item(element, depth);
    else if (name === 'TABLE') this.table(element, depth);
    else this.children(element, depth);
    this.flush();
  }

  private list(element: HtmlElement, name: string, depth: number): void {
    const start = Number(element.getAttribute('start') ?? 1);
    this.lists.push({ next: name === 'OL' ? (Number.isInteger(start) ? start : 1) : null });
    this.children(element, depth);
    this.flush();
    this.lists.pop();
    this.mark = null;
  }

  private item(element: HtmlElement, depth: number): void {
    const list = this.lists.at(-1) ?? { next: null };
    const indent = '  '.repeat(Math.min(Math.max(this.lists.length - 1, 0), deepestList));
    this.mark = `${indent}${list.next === null ? '-' : `${list.next}.`} `;
    if (list.next !== null) list.next += 1;
    this.children(element, depth);
    this.flush();
    this.mark = null;
  }

  private code(element: HtmlElement): void {
    const classes = `${element.getAttribute('class') ?? ''} ${element.querySelector('code')?.getAttribute('class') ?? ''}`;
    const language = /(?:language|lang|highlight-source)-([\w+#-]+)/.exec(classes)?.[1] ?? '';
    const text = (element.textContent ?? '').replaceAll('\r\n', '\n').replace(/^\n/, '').trimEnd();
    if (text.trim() === '') return;
    const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
    this.writer.block(`${fence}${language}\n${text}\n${fence}`);
  }

  private table(element: HtmlElement, depth: number): void {
    const table = dataTable(element);
    if (table === null) this.children(element, depth);
    else {
      if (table.caption !== '') this.writer.block(table.caption);
      this.writer.block(table.markdown);
    }
  }

  private flush(): void {
    const text = this.line
      .replaceAll(/ *\n */g, '\n')
      .replaceAll(/ {2,}/g, ' ')
      .trim();
    this.line = '';
    if (text === '') return;
    if (this.mark !== null) this.writer.item(`${this.mark}${text.replaceAll(/\s+/g, ' ')}`);
    else if (this.lists.length > 0)
      this.writer.item(`${'  '.repeat(Math.min(this.lists.length, deepestList))}${text.replaceAll(/\s+/g, ' ')}`);
    else this.writer.block(text.replaceAll(/\n{3,}/g, '\n\n'));
    this.mark = null;
  }
}

/** What a picture shows, if that takes a few words and no caption says it. */
function describeImage(image: HtmlElement): string {
  const description = (image.getAttribute('alt') ?? '').replaceAll(/\s+/g, ' ').trim();
  if (description.split(' ').length < 3) return '';
  const caption = image.closest('figure')?.querySelector('figcaption')?.textContent?.trim() ?? '';
  return caption === '' ? ` [Image: ${description}] ` : '';
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
}
