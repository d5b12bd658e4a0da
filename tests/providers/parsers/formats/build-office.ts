import { buildZip } from './build-zip.ts';

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const packageRelations = 'http://schemas.openxmlformats.org/package/2006/relationships';
const word = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';

/** The part that names what another part refers to. */
export function relationsPart(relations: readonly (readonly [id: string, kind: string, target: string])[]): string {
  const entries = relations.map(
    ([id, kind, target]) => `<Relationship Id="${id}" Type="${office}/${kind}" Target="${target}"/>`,
  );
  return `${declaration}<Relationships xmlns="${packageRelations}">${entries.join('')}</Relationships>`;
}

/** A Word document with the given body, and further parts such as `word/styles.xml` without their root's namespaces. */
export function buildDocx(body: string, parts: Readonly<Record<string, string>> = {}): Uint8Array {
  const names = ['styles', 'numbering', 'footnotes', 'comments', 'header1', 'footer1'];
  const present = names.filter((name) => `word/${name}.xml` in parts);
  const relations = present.map((name): [string, string, string] => [name, name.replace('1', ''), `${name}.xml`]);
  return buildZip({
    '_rels/.rels': relationsPart([['main', 'officeDocument', 'word/document.xml']]),
    'word/document.xml': wordPart('document', `<w:body>${body}</w:body>`),
    'word/_rels/document.xml.rels': relationsPart(relations),
    ...parts,
  });
}

/** A part of a Word document: its root element, and what is in it. */
export function wordPart(root: string, content: string): string {
  const math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"';
  return `${declaration}<w:${root} xmlns:w="${word}" xmlns:r="${office}" ${math}>${content}</w:${root}>`;
}
