import { drawingText } from '../office/drawing-text.ts';
import type { OfficePackage, Relationship } from '../office/office-package.ts';
import { childOf, descendantsOf, elementsOf, textOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';

/** What stands on a sheet beside its cells: lines of text, and how many pictures have no description. */
export interface SheetNotes {
  readonly lines: readonly string[];
  readonly pictures: number;
}

/**
 * Reads comments with the cells that they are on, text boxes, diagrams, and the titles of charts, whose figures are cells;
 * pictures are shown by their description.
 */
export function readSheetNotes(office: OfficePackage, sheetPart: string): SheetNotes {
  const relationships = office.relationships(sheetPart);
  const lines = readComments(office, relationships);
  let pictures = 0;
  for (const { root, part } of partsOf(office, relationships, 'drawing')) {
    const targets = new Map(office.relationships(part).map((relation) => [relation.id, relation]));
    const related = (id: string | undefined): XmlElement | null => {
      const relation = targets.get(id ?? '');
      return relation && !relation.external ? office.xml(relation.target) : null;
    };
    for (const shape of descendantsOf(root, 'xdr:sp')) lines.push(drawingText(shape));
    for (const name of ['c:chart', 'cx:chart'])
      for (const { attributes } of descendantsOf(root, name))
        lines.push(labelled('Chart', related(attributes['r:id'])));
    for (const { attributes } of descendantsOf(root, 'dgm:relIds'))
      lines.push(labelled('Diagram', related(attributes['r:dm'])));
    for (const picture of descendantsOf(root, 'xdr:pic')) {
      const description = childOf(childOf(picture, 'xdr:nvPicPr'), 'xdr:cNvPr')?.attributes['descr']?.trim() ?? '';
      if (description === '' || /^\S+\.\w{3,4}$/.test(description)) pictures += 1;
      else lines.push(`[Image: ${oneLine(description)}]`);
    }
  }
  return { lines: lines.filter((line) => line.trim() !== ''), pictures };
}

function readComments(office: OfficePackage, relationships: readonly Relationship[]): string[] {
  const threads = partsOf(office, relationships, 'threadedComment').flatMap(({ root }) => elementsOf(root));
  const inThreads = new Set(threads.map(({ attributes }) => attributes['ref']));
  const notes = partsOf(office, relationships, 'comments').flatMap(({ root }) => {
    const authors = [...descendantsOf(root, 'x:author')].map((author) => textOf(author).trim());
    return [...descendantsOf(root, 'x:comment')].map(({ attributes, children }) => ({
      ref: attributes['ref'],
      author: authors[Number(attributes['authorId'])] ?? '',
      text: [...descendantsOf({ name: '', attributes: {}, children }, 'x:t')].map(textOf).join(''),
    }));
  });
  return [
    // For programs that do not know threads each has a note, which says just that.
    ...notes.filter(({ ref }) => !inThreads.has(ref)).map(({ ref, author, text }) => commentLine(ref, author, text)),
    ...threads.map((comment) => commentLine(comment.attributes['ref'], '', textOf(comment))),
  ];
}

function commentLine(reference: string | undefined, author: string, text: string): string {
  const line = oneLine(text);
  if (line === '') return '';
  const by = author === '' || author.startsWith('tc=') ? '' : ` by ${author}`;
  return `[Comment on ${reference ?? '?'}${by}: ${line}]`;
}

function labelled(what: string, root: XmlElement | null): string {
  const text = root === null ? '' : oneLine(drawingText(root).replaceAll('\n', ', '));
  return text === '' ? '' : `${what}: ${text}`;
}

function partsOf(office: OfficePackage, relationships: readonly Relationship[], kind: string) {
  return relationships.flatMap((relation) => {
    const root = relation.kind === kind && !relation.external ? office.xml(relation.target) : null;
    return root === null ? [] : [{ root, part: relation.target }];
  });
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
