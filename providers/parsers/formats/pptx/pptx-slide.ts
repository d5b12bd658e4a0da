import { markdownTable } from '../markdown-table.ts';
import type { MarkdownWriter } from '../markdown-writer.ts';
import { chartText, diagramText, drawingText } from '../office/drawing-text.ts';
import type { OfficePackage, Relationship } from '../office/office-package.ts';
import { childOf, descendantsOf, elementsOf, textOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import { placeholderOf, shapesInOrder } from './slide-shapes.ts';
import { paragraphText, slideParagraphs } from './slide-text.ts';

// Mostly the same on each slide.
const marginals = new Set(['dt', 'ftr', 'hdr']);
const titles = new Set(['title', 'ctrTitle']);

/** What reading a slide told beside its text. */
export interface SlideFacts {
  readonly title: string | null;
  /** Pictures without a description. */
  readonly pictures: number;
}

/**
 * Writes one slide as a page: its title as heading, its shapes, then notes and comments.
 * @param written headers and footers that earlier slides have shown; they are not repeated.
 */
export function writeSlide(
  office: OfficePackage,
  part: string,
  number: number,
  { writer, written }: { writer: MarkdownWriter; written: Set<string> },
): SlideFacts {
  const root = office.xml(part);
  if (root?.name !== 'p:sld') throw new Error('not a slide');
  const relationships = office.relationships(part);
  const layoutPart = relationships.find(({ kind }) => kind === 'slideLayout')?.target;
  const layout = layoutPart === undefined ? null : office.xml(layoutPart);
  const tree = childOf(childOf(root, 'p:cSld'), 'p:spTree');
  const shapes = tree === undefined ? [] : shapesInOrder(tree, layout);
  const titleShape = shapes.find((shape) => titles.has(roleOf(shape)) && shapeText(shape) !== '');
  const title = titleShape === undefined ? null : shapeText(titleShape);
  writer.openPage(number, title ?? undefined);
  if (title !== null) writer.heading(1, title);
  let pictures = 0;
  for (const shape of shapes) {
    if (shape === titleShape) continue;
    if (marginals.has(roleOf(shape))) {
      if (written.has(shapeText(shape))) continue;
      written.add(shapeText(shape));
    }
    pictures += writeShape(shape, { office, relationships, writer });
  }
  writeNotes(office, relationships, writer);
  return { title, pictures };
}

interface SlideContext {
  readonly office: OfficePackage;
  readonly relationships: readonly Relationship[];
  readonly writer: MarkdownWriter;
}

/** @returns how many pictures were left out. */
function writeShape(shape: XmlElement, { office, relationships, writer }: SlideContext): number {
  const body = childOf(shape, 'p:txBody');
  if (body) writeBody(body, ['', 'body', 'obj'].includes(roleOf(shape)) && placeholderOf(shape) !== null, writer);
  for (const table of descendantsOf(shape, 'a:tbl')) writer.block(markdownTable(tableRows(table)));
  const write = (element: string, attribute: string, read: (root: XmlElement) => string): void => {
    for (const { attributes } of descendantsOf(shape, element)) {
      const relation = relationships.find(({ id, external }) => id === attributes[attribute] && !external);
      const root = relation ? office.xml(relation.target) : null;
      if (root) writer.block(read(root));
    }
  };
  write('c:chart', 'r:id', chartText);
  write('dgm:relIds', 'r:dm', diagramText);
  if (shape.name !== 'p:pic') return 0;
  const description = childOf(childOf(shape, 'p:nvPicPr'), 'p:cNvPr')
    ?.attributes['descr']?.replaceAll(/\s+/g, ' ')
    .trim();
  if (!description || /^\S+\.\w{3,4}$/.test(description)) return 1;
  writer.block(`[Image: ${description}]`);
  return 0;
}

function writeBody(body: XmlElement, bulleted: boolean, writer: MarkdownWriter): void {
  const paragraphs = slideParagraphs(body, bulleted);
  // One paragraph makes no list.
  const isList = paragraphs.length > 1;
  for (const { text, level, marker } of paragraphs) {
    if (marker === '' || !isList) writer.block(text);
    else writer.item(`${'  '.repeat(level)}${marker} ${text.replaceAll(/\s*\n\s*/g, ' ')}`);
  }
}

function tableRows(table: XmlElement): string[][] {
  const rows = elementsOf(table).filter(({ name }) => name === 'a:tr');
  return rows.map((row) => {
    const cells = elementsOf(row).filter(({ name }) => name === 'a:tc');
    return cells.map((cell) => [...descendantsOf(cell, 'a:p')].map(paragraphText).join(' '));
  });
}

function writeNotes(office: OfficePackage, relationships: readonly Relationship[], writer: MarkdownWriter): void {
  for (const { kind, target, external } of relationships) {
    const root = !external && /^(?:notesSlide|comments)$/.test(kind) ? office.xml(target) : null;
    if (root === null) continue;
    if (kind === 'notesSlide') {
      const bodies = [...descendantsOf(root, 'p:sp')].filter((shape) => roleOf(shape) === 'body');
      const text = bodies.map(shapeText).join('\n').trim();
      if (text !== '') writer.block(`Notes: ${text}`);
    } else {
      const old = [...descendantsOf(root, 'p:text')].map(textOf).join('\n');
      const text = (old || drawingText(root)).trim();
      if (text !== '') writer.block(`[Comment: ${text}]`);
    }
  }
}

function roleOf(shape: XmlElement): string {
  return placeholderOf(shape)?.attributes['type'] ?? '';
}

function shapeText(shape: XmlElement): string {
  const body = childOf(shape, 'p:txBody');
  if (body === undefined) return '';
  return slideParagraphs(body, false)
    .map(({ text }) => text.replaceAll(/\s+/g, ' '))
    .join(' ')
    .trim();
}
