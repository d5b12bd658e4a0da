import type { MarkdownWriter } from '../markdown-writer.ts';
import type { OfficePackage, Relationship } from '../office/office-package.ts';
import { descendantsOf, elementsOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import { DocxNumbering } from './docx-numbering.ts';
import { DocxStyles } from './docx-styles.ts';

/** What all parts of a Word document share while it is read. */
export interface DocxContext {
  readonly office: OfficePackage;
  readonly styles: DocxStyles;
  readonly numbering: DocxNumbering;
  readonly writer: MarkdownWriter;
  readonly relationships: ReadonlyMap<string, Relationship>;
  readonly footnotes: ReadonlyMap<string, XmlElement>;
  readonly endnotes: ReadonlyMap<string, XmlElement>;
  readonly comments: ReadonlyMap<string, XmlElement>;
  /** `rendered` are the pages of Word's last layout, `explicit` those that the author began; null if neither is known. */
  readonly pageKind: 'rendered' | 'explicit' | null;
  /** The numbers under which notes are shown, in the order of their first mention. */
  readonly noteNumbers: Map<string, number>;
  page: number;
  /** Pictures without a description. */
  pictures: number;
  title: string | null;
  readonly unreadable: Set<string>;
}

/** Gathers the parts that belong to the main part. */
export function openDocxContext(
  office: OfficePackage,
  main: string,
  root: XmlElement,
  writer: MarkdownWriter,
): DocxContext {
  const relationships = office.relationships(main);
  const related = (kind: string): XmlElement | null => {
    const relation = relationships.find((candidate) => candidate.kind === kind && !candidate.external);
    return office.xml(relation?.target ?? `word/${kind}.xml`);
  };
  const styles = new DocxStyles(related('styles'));
  return {
    office,
    styles,
    writer,
    numbering: new DocxNumbering(related('numbering'), styles),
    relationships: new Map(relationships.map((relation) => [relation.id, relation])),
    footnotes: byId(related('footnotes')),
    endnotes: byId(related('endnotes')),
    comments: byId(related('comments')),
    pageKind: pageKindOf(root),
    noteNumbers: new Map(),
    page: 1,
    pictures: 0,
    title: null,
    unreadable: new Set(),
  };
}

function byId(root: XmlElement | null): Map<string, XmlElement> {
  const elements = (root ? elementsOf(root) : []).filter(
    ({ attributes }) => !/separator/i.test(attributes['w:type'] ?? ''),
  );
  return new Map(elements.map((element) => [element.attributes['w:id'] ?? '', element]));
}

function pageKindOf(root: XmlElement): DocxContext['pageKind'] {
  if (!descendantsOf(root, 'w:lastRenderedPageBreak').next().done) return 'rendered';
  for (const lineBreak of descendantsOf(root, 'w:br')) {
    if (lineBreak.attributes['w:type'] === 'page') return 'explicit';
  }
  return descendantsOf(root, 'w:pageBreakBefore').next().done ? null : 'explicit';
}
