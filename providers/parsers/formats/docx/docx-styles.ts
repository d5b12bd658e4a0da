import { childOf, elementsOf, valueOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';

// Chains are a few styles long; in a damaged file they may form a circle.
const longestChain = 20;

/** A list and a level in it, as a style or a paragraph names it. */
export interface NumberingReference {
  readonly numberingId: string;
  readonly level: number;
}

/** What paragraph styles say about headings and lists, inherited along `basedOn`. */
export class DocxStyles {
  private readonly styles = new Map<string, XmlElement>();
  private readonly defaultStyle: string | undefined;

  /** @param root of the part word/styles.xml, if there is one. */
  constructor(root: XmlElement | null) {
    for (const style of root ? elementsOf(root) : []) {
      const id = style.attributes['w:styleId'];
      if (style.name !== 'w:style' || id === undefined) continue;
      this.styles.set(id, style);
      const isDefault = /^(?:1|true|on)$/.test(style.attributes['w:default'] ?? '');
      if (isDefault && style.attributes['w:type'] === 'paragraph') this.defaultStyle ??= id;
    }
  }

  /** The level of the heading that a paragraph with these properties is, from 1; null if it is none. */
  headingLevel(properties: XmlElement | undefined): number | null {
    const own = outlineLevel(properties);
    if (own !== undefined) return own;
    const id = valueOf(properties, 'w:pStyle');
    for (const style of this.chain(id)) {
      const name = valueOf(style, 'w:name') ?? '';
      const named = /^heading ?([1-9])$/i.exec(name)?.[1];
      if (named !== undefined) return Number(named);
      if (/^title$/i.test(name)) return 1;
      const level = outlineLevel(childOf(style, 'w:pPr'));
      if (level !== undefined) return level;
    }
    // Without the part that defines it, the id of a built-in style still says what it is.
    const known = id !== undefined && !this.styles.has(id) ? /^Heading([1-9])$/i.exec(id)?.[1] : undefined;
    return known === undefined ? null : Number(known);
  }

  /** Whether the paragraph is the document's title. */
  isTitle(properties: XmlElement | undefined): boolean {
    const id = valueOf(properties, 'w:pStyle');
    return this.chain(id).some((style) => /^title$/i.test(valueOf(style, 'w:name') ?? ''));
  }

  /** The list that a paragraph with these properties belongs to; null if to none. */
  numbering(properties: XmlElement | undefined): NumberingReference | null {
    let numberingId: string | undefined;
    let level: string | undefined;
    const chain = this.chain(valueOf(properties, 'w:pStyle')).map((style) => childOf(style, 'w:pPr'));
    for (const source of [properties, ...chain]) {
      const numbering = childOf(source, 'w:numPr');
      numberingId ??= valueOf(numbering, 'w:numId');
      level ??= valueOf(numbering, 'w:ilvl');
    }
    // The id 0 takes a paragraph out of the list of its style.
    if (numberingId === undefined || numberingId === '0') return null;
    return { numberingId, level: Math.min(Math.max(Number(level ?? 0) || 0, 0), 8) };
  }

  /** The list that a numbering style stands for. */
  numberingOfStyle(id: string): string | undefined {
    return valueOf(childOf(childOf(this.styles.get(id), 'w:pPr'), 'w:numPr'), 'w:numId');
  }

  private chain(id: string | undefined): XmlElement[] {
    const chain: XmlElement[] = [];
    let style = this.styles.get(id ?? this.defaultStyle ?? '');
    while (style !== undefined && chain.length < longestChain) {
      chain.push(style);
      style = this.styles.get(valueOf(style, 'w:basedOn') ?? '');
    }
    return chain;
  }
}

function outlineLevel(properties: XmlElement | undefined): number | undefined {
  const level = Number(valueOf(properties, 'w:outlineLvl') ?? Number.NaN);
  // Level 9 is that of body text.
  return level >= 0 && level < 9 ? level + 1 : undefined;
}
