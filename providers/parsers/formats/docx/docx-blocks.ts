import { markdownTable } from '../markdown-table.ts';
import { chartText, diagramText } from '../office/drawing-text.ts';
import { childOf, elementsOf, valueOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import type { DocxContext } from './docx-context.ts';
import { isOn, readInline } from './docx-inline.ts';
import type { InlineContent } from './docx-inline.ts';

/** Where blocks go: the document, or a cell of a table. */
export interface BlockOutput {
  heading(level: number, title: string): void;
  item(text: string): void;
  block(text: string): void;
}

const transparent = new Set(['w:sdt', 'w:sdtContent', 'w:customXml', 'w:ins', 'w:moveTo', 'w:smartTag', 'mc:Choice']);

// A grid wider than this is a mistake of the file.
const widestSpan = 100;

/** Writes the paragraphs and tables of a part, a cell, a note or a text box. */
export function writeBlocks(container: XmlElement, context: DocxContext, output: BlockOutput): void {
  for (const element of elementsOf(container)) {
    if (element.name === 'w:p') writeParagraph(element, context, output);
    else if (element.name === 'w:tbl') writeTable(element, context, output);
    else if (element.name === 'w:altChunk') context.unreadable.add('an inserted document (altChunk)');
    else if (element.name === 'mc:AlternateContent') {
      const chosen = childOf(element, 'mc:Choice') ?? childOf(element, 'mc:Fallback');
      if (chosen) writeBlocks(chosen, context, output);
    } else if (transparent.has(element.name)) writeBlocks(element, context, output);
  }
}

function writeParagraph(paragraph: XmlElement, context: DocxContext, output: BlockOutput): void {
  const properties = childOf(paragraph, 'w:pPr');
  const inline = readInline(paragraph, (kind, id) => noteNumber(context, kind, id));
  const breaksBefore = isOn(properties, 'w:pageBreakBefore') && context.pageKind === 'explicit' ? 1 : 0;
  const breaks = inline.pageBreaks.filter(({ rendered }) => rendered === (context.pageKind === 'rendered'));
  // A page that begins within a paragraph is taken to begin at the nearer end of it.
  const early = breaks.filter(({ offset }) => offset <= inline.text.length / 2).length;
  turnPages(context, breaksBefore + early);
  const text = inline.text
    .replaceAll(/[\t ]+/g, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .trim();
  if (text !== '') writeText(text, properties, context, output);
  turnPages(context, breaks.length - early);
  writeAttached(inline, context, output);
}

function writeText(text: string, properties: XmlElement | undefined, context: DocxContext, output: BlockOutput): void {
  const { styles, numbering } = context;
  const level = styles.headingLevel(properties);
  const reference = styles.numbering(properties);
  const label = reference === null ? null : numbering.nextLabel(reference);
  if (level !== null) {
    if (context.title === null && styles.isTitle(properties)) context.title = text.replaceAll(/\s+/g, ' ');
    output.heading(level, label ? `${label} ${text}` : text);
    return;
  }
  const bullet = /^[•▪‣◦●○■–·]\s+(?=\S)/.exec(text);
  if (reference === null || label === null) {
    if (bullet) output.item(`- ${oneLine(text.slice(bullet[0].length))}`);
    else output.block(text);
    return;
  }
  const indent = '  '.repeat(reference.level);
  if (label === '') output.item(`${indent}- ${oneLine(text)}`);
  else if (/^\d+[.)]$/.test(label)) output.item(`${indent}${label} ${oneLine(text)}`);
  else output.item(`${indent}- ${label} ${oneLine(text)}`);
}

/** What hangs on a paragraph follows it, so that it stays near what it belongs to. */
function writeAttached(inline: InlineContent, context: DocxContext, output: BlockOutput): void {
  context.pictures += inline.pictures;
  for (const box of inline.boxes) writeBlocks(box, context, output);
  const related = (ids: readonly string[], read: (root: XmlElement) => string): void => {
    for (const id of ids) {
      const relation = context.relationships.get(id);
      const root = relation && !relation.external ? context.office.xml(relation.target) : null;
      if (root) output.block(read(root));
    }
  };
  related(inline.charts, chartText);
  related(inline.diagrams, diagramText);
  const notes = [
    ...inline.footnotes.map((id) => ['footnote', id] as const),
    ...inline.endnotes.map((id) => ['endnote', id] as const),
  ];
  for (const [kind, id] of notes) {
    const note = (kind === 'footnote' ? context.footnotes : context.endnotes).get(id);
    if (note) output.block(`[^${noteNumber(context, kind, id)}]: ${flatText(note, context)}`);
  }
  for (const id of inline.comments) {
    const comment = context.comments.get(id);
    const text = comment ? flatText(comment, context) : '';
    if (text !== '') output.block(`[Comment by ${comment?.attributes['w:author'] ?? 'unknown'}: ${text}]`);
  }
}

function writeTable(table: XmlElement, context: DocxContext, output: BlockOutput): void {
  const rows = [...tableParts(table, 'w:tr')].filter((row) => childOf(childOf(row, 'w:trPr'), 'w:del') === undefined);
  const cells = rows.map((row) => [...tableParts(row, 'w:tc')]);
  // A table of one column lays out a page: its content keeps headings and lists.
  if (cells.every((row) => row.length <= 1)) {
    for (const cell of cells.flat()) writeBlocks(cell, context, output);
    return;
  }
  output.block(markdownTable(rows.map((row, index) => rowTexts(row, cells[index] ?? [], context))));
}

function rowTexts(row: XmlElement, cells: readonly XmlElement[], context: DocxContext): string[] {
  const texts = blanks(valueOf(childOf(row, 'w:trPr'), 'w:gridBefore'), 0);
  for (const cell of cells) {
    const properties = childOf(cell, 'w:tcPr');
    const merge = childOf(properties, 'w:vMerge');
    const continues = merge !== undefined && merge.attributes['w:val'] !== 'restart';
    texts.push(continues ? '' : flatText(cell, context), ...blanks(valueOf(properties, 'w:gridSpan'), 1));
  }
  return texts;
}

/** Rows or cells, also those within elements that only mark them. */
function* tableParts(element: XmlElement, name: string): Generator<XmlElement> {
  for (const child of elementsOf(element)) {
    if (child.name === name) yield child;
    else if (transparent.has(child.name)) yield* tableParts(child, name);
  }
}

function blanks(span: string | undefined, taken: number): string[] {
  const count = Math.min(Math.max((Number(span ?? 0) || 0) - taken, 0), widestSpan);
  return Array.from({ length: count }, () => '');
}

/** The text of a container on one line; rows of a table within it are separated by semicolons. */
function flatText(container: XmlElement, context: DocxContext): string {
  const lines: string[] = [];
  const add = (text: string): void => {
    const isTable = text.startsWith('| ') && text.includes('\n| --- |');
    lines.push(isTable ? flatTable(text) : oneLine(text));
  };
  writeBlocks(container, context, {
    heading: (_level, title) => add(title),
    item: (text) => add(text.trim()),
    block: add,
  });
  return lines.filter((line) => line !== '').join(' ');
}

function flatTable(markdown: string): string {
  const rows = markdown.split('\n').filter((_, index) => index !== 1);
  return rows.map((row) => row.slice(2, -2).replaceAll(' | ', ', ')).join('; ');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function turnPages(context: DocxContext, count: number): void {
  if (context.pageKind === null) return;
  for (let turned = 0; turned < count; turned += 1) {
    context.page += 1;
    // Pages that begin within a table begin after it.
    context.writer.openPage(context.page);
  }
}

function noteNumber(context: DocxContext, kind: string, id: string): number {
  const key = `${kind} ${id}`;
  const number = context.noteNumbers.get(key) ?? context.noteNumbers.size + 1;
  context.noteNumbers.set(key, number);
  return number;
}
