import { Parser } from 'htmlparser2';
import type { DocumentWarning } from '../../../contracts/names/document-warnings.ts';
import type { ParsedDocument, TextParser } from '../document-parser.ts';
import { writeOutline } from './write-outline.ts';
import type { JsonValue } from './write-outline.ts';

interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (XmlElement | string)[];
}

/**
 * XML as an outline: an element with elements of its own is a heading, one with text alone an item, elements of the same
 * parts are a table, and text that is mixed with elements a paragraph. Entities of a document type are never expanded.
 */
export const xmlParser: TextParser = {
  reads: 'text',
  parse(text, { mimeType }): ParsedDocument {
    const root = readTree(text);
    const value = valueOf(root);
    const title = find(root, 'title');
    const facts = { language: null, pages: [], boundaries: null, warnings: entityWarning(text) };
    return { text: writeOutline(value), format: 'markdown', mimeType, title: title && textOf(title).trim(), ...facts };
  },
};

/** References to the document type's own entities stay as they stand. */
function entityWarning(text: string): DocumentWarning[] {
  const declared = [...text.slice(0, 65_536).matchAll(/<!ENTITY\s+([\w.:-]+)/g)].map(([, name = '']) => name);
  const used = [...new Set(declared)].filter((name) => text.includes(`&${name};`)).map((name) => `&${name};`);
  if (used.length === 0) return [];
  const detail = `Entities that the document declares are not expanded: ${used.slice(0, 10).join(', ')}.`;
  return [{ code: 'partial_text', detail }];
}

function readTree(text: string): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, children: [] };
  const open = [root];
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        const element: XmlElement = { name, attributes: { ...attributes }, children: [] };
        open.at(-1)!.children.push(element);
        open.push(element);
      },
      ontext(data) {
        const { children } = open.at(-1)!;
        const last = children.at(-1);
        if (typeof last === 'string') children[children.length - 1] = last + data;
        else children.push(data);
      },
      onclosetag() {
        if (open.length > 1) open.pop();
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  // Declarations within the document type are none of its text.
  parser.end(text.replace(/<!DOCTYPE[^>[]*(?:\[[\s\S]*?\]\s*)?>/i, ''));
  return root;
}

function valueOf(element: XmlElement): JsonValue {
  const elements = element.children.filter((child) => typeof child !== 'string');
  const hasText = element.children.some((child) => typeof child === 'string' && child.trim() !== '');
  const attributes = Object.entries(element.attributes).filter(([name]) => !name.startsWith('xmlns'));
  const content = hasText || elements.length === 0 ? withoutTags(textOf(element)) : null;
  if (content !== null && attributes.length === 0) return content;
  const parts = new Map<string, JsonValue[]>(attributes.map(([name, value]) => [name, [value]]));
  if (content !== null && content !== '') parts.set('text', [...(parts.get('text') ?? []), content]);
  for (const child of content === null ? elements : []) {
    const value = valueOf(child);
    if (value === '') continue;
    const same = parts.get(child.name);
    if (same) same.push(value);
    else parts.set(child.name, [value]);
  }
  return Object.fromEntries([...parts].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]));
}

function textOf(element: XmlElement): string {
  return element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

/** Feeds carry pages of HTML as text. */
function withoutTags(text: string): string {
  if (!/<\/?[a-z][^<>]*>/i.test(text))
    return text
      .replaceAll(/[ \t]+/g, ' ')
      .replaceAll(/\s*\n\s*/g, '\n')
      .trim();
  const parts: string[] = [];
  const parser = new Parser({
    ontext: (data) => parts.push(data),
    onopentag: (name) => {
      if (/^(?:p|br|div|li|tr|h[1-6])$/.test(name)) parts.push('\n');
    },
  });
  parser.end(text);
  return parts
    .join('')
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();
}

function find(element: XmlElement, name: string): XmlElement | null {
  const queue = [element];
  for (let index = 0; index < queue.length && index < 1000; index += 1) {
    const candidate = queue[index]!;
    if (candidate.name.toLowerCase() === name) return candidate;
    for (const child of candidate.children) if (typeof child !== 'string') queue.push(child);
  }
  return null;
}
