import { Parser } from 'htmlparser2';
import { PerdureError } from '../../../../contracts/errors.ts';
import { decodeXml } from './decode-xml.ts';
import { NamespaceScopes } from './namespace-scopes.ts';

// Word nests about 30 deep; what recurses over the tree needs a bound.
const deepest = 1_000;

/** An element of XML. Names bear the usual prefix of their namespace, whatever prefix the file uses. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
}

/**
 * Reads XML into a tree and forgives what is not well-formed. Entities of a document type are not expanded, because
 * they can be made to grow without bound. An empty element named '' stands for no root.
 * @throws PerdureError `document_corrupt` if elements are nested too deep.
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  const root = { name: '', attributes: {}, children: [] as (XmlElement | string)[] };
  const open: { children: (XmlElement | string)[] }[] = [root];
  const scopes = new NamespaceScopes();
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (open.length > deepest) {
          throw new PerdureError('document_corrupt', `Its XML is nested more than ${deepest} elements deep.`);
        }
        const named = scopes.open(name, attributes);
        const element = { ...named, children: [] };
        open.at(-1)?.children.push(element);
        open.push(element);
      },
      ontext(text) {
        open.at(-1)?.children.push(text);
      },
      onclosetag() {
        scopes.close();
        if (open.length > 1) open.pop();
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(decodeXml(bytes));
  return elementsOf(root)[0] ?? root;
}

/** The elements among an element's children. */
export function elementsOf(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string');
}

/** The first child of that name. */
export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child): child is XmlElement => typeof child !== 'string' && child.name === name);
}

/** The attribute `val`, in which most properties of Office have their value, of the child of that name. */
export function valueOf(element: XmlElement | undefined, name: string): string | undefined {
  const child = childOf(element, name);
  return child?.attributes['w:val'] ?? child?.attributes['m:val'] ?? child?.attributes['val'];
}

/** Every descendant of that name, in the order of the document. */
export function* descendantsOf(element: XmlElement, name: string): Generator<XmlElement> {
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    if (child.name === name) yield child;
    yield* descendantsOf(child, name);
  }
}

/** All characters in the element and its descendants. */
export function textOf(element: XmlElement): string {
  return element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}
