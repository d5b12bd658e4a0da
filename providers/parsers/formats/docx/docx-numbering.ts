import { childOf, elementsOf, valueOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import { formatListNumber } from './format-list-number.ts';
import type { DocxStyles, NumberingReference } from './docx-styles.ts';

interface Level {
  readonly format: string;
  /** Such as `%1.%2`: the numbers of the first and the second level. */
  readonly text: string;
  readonly start: number;
}

/** Counts the items of a document's lists, in the order in which they come (ISO/IEC 29500-1, 17.9). */
export class DocxNumbering {
  private readonly abstracts = new Map<string, XmlElement>();
  private readonly numberings = new Map<string, XmlElement>();
  private readonly levels = new Map<string, Level[]>();
  /** By abstract list, since lists that share one count on; null where no item has come yet. */
  private readonly counters = new Map<string, (number | null)[]>();
  private readonly started = new Set<string>();
  private readonly styles: DocxStyles;

  /** @param root of the part word/numbering.xml, if there is one. */
  constructor(root: XmlElement | null, styles: DocxStyles) {
    this.styles = styles;
    for (const element of root ? elementsOf(root) : []) {
      if (element.name === 'w:abstractNum') this.abstracts.set(element.attributes['w:abstractNumId'] ?? '', element);
      if (element.name === 'w:num') this.numberings.set(element.attributes['w:numId'] ?? '', element);
    }
  }

  /** Counts one item and gives what stands before it: '' for a bullet, null where nothing is shown or the list is unknown. */
  nextLabel({ numberingId, level }: NumberingReference): string | null {
    const abstractId = this.abstractOf(numberingId);
    if (abstractId === null) return null;
    const levels = this.levelsOf(numberingId, abstractId);
    const own = levels[level];
    if (own === undefined) return null;
    const counters = this.counters.get(abstractId) ?? [];
    this.counters.set(abstractId, counters);
    if (!this.started.has(numberingId)) this.restart(numberingId, counters);
    const last = counters[level];
    counters[level] = last == null ? own.start : last + 1;
    counters.length = level + 1;
    if (own.format === 'bullet') return '';
    if (own.format === 'none') return null;
    const label = own.text.replaceAll(/%([1-9])/g, (_, digit: string) => {
      const index = Number(digit) - 1;
      return formatListNumber(counters[index] ?? levels[index]?.start ?? 1, levels[index]?.format ?? 'decimal');
    });
    return label.trim() === '' ? null : label.trim();
  }

  private restart(numberingId: string, counters: (number | null)[]): void {
    this.started.add(numberingId);
    for (const override of overridesOf(this.numberings.get(numberingId))) {
      const start = Number(valueOf(override, 'w:startOverride') ?? Number.NaN);
      if (!Number.isNaN(start)) counters[levelOf(override)] = start - 1;
    }
  }

  private abstractOf(numberingId: string): string | null {
    const id = valueOf(this.numberings.get(numberingId), 'w:abstractNumId');
    const abstract = id === undefined ? undefined : this.abstracts.get(id);
    if (id === undefined || abstract === undefined) return null;
    const link = valueOf(abstract, 'w:numStyleLink');
    const linked = link === undefined ? undefined : this.styles.numberingOfStyle(link);
    const target = linked === undefined ? undefined : valueOf(this.numberings.get(linked), 'w:abstractNumId');
    return target !== undefined && this.abstracts.has(target) ? target : id;
  }

  private levelsOf(numberingId: string, abstractId: string): Level[] {
    const known = this.levels.get(numberingId);
    if (known) return known;
    const overridden = overridesOf(this.numberings.get(numberingId)).flatMap((override) => {
      const level = childOf(override, 'w:lvl');
      return level === undefined ? [] : [level];
    });
    const levels: Level[] = [];
    const abstract = this.abstracts.get(abstractId);
    for (const element of [...(abstract ? elementsOf(abstract) : []), ...overridden]) {
      if (element.name !== 'w:lvl') continue;
      levels[levelOf(element)] = {
        format: valueOf(element, 'w:numFmt') ?? 'decimal',
        text: valueOf(element, 'w:lvlText') ?? '',
        start: Number(valueOf(element, 'w:start') ?? 1) || 0,
      };
    }
    this.levels.set(numberingId, levels);
    return levels;
  }
}

function overridesOf(numbering: XmlElement | undefined): XmlElement[] {
  return numbering ? elementsOf(numbering).filter(({ name }) => name === 'w:lvlOverride') : [];
}

function levelOf(element: XmlElement): number {
  return Math.min(Math.max(Number(element.attributes['w:ilvl']) || 0, 0), 8);
}
