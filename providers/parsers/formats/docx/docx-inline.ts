import { childOf, descendantsOf, elementsOf, textOf, valueOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import { mathToLatex } from './math-to-latex.ts';

/** What a paragraph is made of beside its text; pages are where in the text a new page begins. */
export interface InlineContent {
  readonly text: string;
  readonly pageBreaks: readonly { offset: number; rendered: boolean }[];
  readonly footnotes: readonly string[];
  readonly endnotes: readonly string[];
  readonly comments: readonly string[];
  /** Contents of text boxes that are anchored in the paragraph. */
  readonly boxes: readonly XmlElement[];
  /** Ids of the relationships to pictures without a description, charts and diagrams. */
  readonly pictures: number;
  readonly charts: readonly string[];
  readonly diagrams: readonly string[];
}

/** Gives the number that a footnote or an endnote is shown under. */
export type NoteNumbering = (kind: 'footnote' | 'endnote', id: string) => number;

// Transparent to a reader: what is inside is shown as if it stood outside.
const transparent = new Set([
  'w:hyperlink', 'w:smartTag', 'w:customXml', 'w:ins', 'w:moveTo', 'w:sdt', 'w:sdtContent', 'w:fldSimple', 'w:dir',
  'w:bdo', 'w:subDoc', 'mc:Choice', 'w:rubyBase',
]); // prettier-ignore

// Symbols that the fonts Symbol and Wingdings show under codes of their own.
const symbols: Readonly<Record<string, string>> = {
  f0b7: '•', f0a7: '•', f0d8: '➢', f0fc: '✓', f0fe: '☒', f0a8: '☐', f06f: '☐', f0e0: '→', f0df: '←', f0f0: '⇨',
  f0b0: '°', f0b1: '±', f0b4: '×', f0b9: '≠', f0bb: '≈', f0a3: '≤', f0b3: '≥', f0ae: '→', f0de: '⇒', f06d: 'μ',
  f061: 'α', f062: 'β', f067: 'γ', f064: 'δ', f070: 'π', f073: 'σ', f057: 'Ω', f044: 'Δ', f053: 'Σ',
}; // prettier-ignore

/** Reads the runs of a paragraph: what was inserted is kept, what was deleted or is hidden is not. */
export function readInline(paragraph: XmlElement, numberOf: NoteNumbering): InlineContent {
  const reader = new InlineReader(numberOf);
  reader.children(paragraph);
  return { ...reader.content, text: reader.text() };
}

class InlineReader {
  readonly content = {
    pageBreaks: [] as { offset: number; rendered: boolean }[],
    footnotes: [] as string[],
    endnotes: [] as string[],
    comments: [] as string[],
    boxes: [] as XmlElement[],
    pictures: 0,
    charts: [] as string[],
    diagrams: [] as string[],
  };
  private readonly parts: string[] = [];
  private length = 0;
  /** The instructions of the fields that are open; the result of a page number is not the document's text. */
  private readonly fields: { instruction: string; showsResult: boolean }[] = [];
  private readonly numberOf: NoteNumbering;

  constructor(numberOf: NoteNumbering) {
    this.numberOf = numberOf;
  }

  text(): string {
    return this.parts.join('');
  }

  children(element: XmlElement): void {
    for (const child of elementsOf(element)) this.element(child);
  }

  private element(element: XmlElement): void {
    const { name } = element;
    if (name === 'w:r') this.run(element);
    else if (name === 'm:oMath') this.put(`$${mathToLatex(element)}$`);
    else if (name === 'm:oMathPara') this.put(`$$${mathToLatex(element)}$$`);
    else if (name === 'mc:AlternateContent') this.alternate(element);
    else if (name === 'w:fldSimple' && isPageField(element.attributes['w:instr'] ?? '')) return;
    else if (transparent.has(name)) this.children(element);
  }

  private run(run: XmlElement): void {
    const vanish = childOf(childOf(run, 'w:rPr'), 'w:vanish');
    if (vanish && !/^(?:0|false|off)$/.test(vanish.attributes['w:val'] ?? '')) return;
    for (const child of elementsOf(run)) this.runChild(child);
  }

  private runChild(child: XmlElement): void {
    const { attributes } = child;
    switch (child.name) {
      case 'w:t':
        this.put(textOf(child).replaceAll(/[\uf020-\uf0ff]/g, symbolOf));
        break;
      case 'w:tab':
      case 'w:ptab':
        this.put('\t');
        break;
      case 'w:br':
        if (attributes['w:type'] === 'page') this.breakPage(false);
        else this.put('\n');
        break;
      case 'w:cr':
        this.put('\n');
        break;
      case 'w:lastRenderedPageBreak':
        this.breakPage(true);
        break;
      case 'w:noBreakHyphen':
        this.put('-');
        break;
      case 'w:sym':
        this.put(symbols[(attributes['w:char'] ?? '').toLowerCase()] ?? '');
        break;
      case 'w:fldChar':
        this.field(child);
        break;
      case 'w:instrText': {
        const field = this.fields.at(-1);
        if (field) field.instruction += textOf(child);
        break;
      }
      case 'w:footnoteReference':
        this.note('footnote', attributes['w:id']);
        break;
      case 'w:endnoteReference':
        this.note('endnote', attributes['w:id']);
        break;
      case 'w:commentReference':
        if (attributes['w:id'] !== undefined) this.content.comments.push(attributes['w:id']);
        break;
      case 'w:drawing':
      case 'w:pict':
      case 'w:object':
        this.drawing(child);
        break;
      case 'w:ruby':
        for (const base of elementsOf(child).filter(({ name }) => name === 'w:rubyBase')) this.children(base);
        break;
      case 'mc:AlternateContent':
        this.alternate(child);
        break;
    }
  }

  // The same thing for new readers and for old ones: only one of the two is shown.
  private alternate(element: XmlElement): void {
    const chosen = childOf(element, 'mc:Choice') ?? childOf(element, 'mc:Fallback');
    for (const child of chosen ? elementsOf(chosen) : []) {
      if (child.name === 'w:r') this.run(child);
      else this.runChild(child);
    }
  }

  private field(element: XmlElement): void {
    const kind = element.attributes['w:fldCharType'];
    const checkBox = childOf(childOf(element, 'w:ffData'), 'w:checkBox');
    if (kind === 'begin') {
      this.fields.push({ instruction: '', showsResult: true });
      if (checkBox) {
        const state = childOf(checkBox, 'w:checked') ?? childOf(checkBox, 'w:default');
        this.put(state && !/^(?:0|false)$/.test(state.attributes['w:val'] ?? '') ? '☒' : '☐');
      }
    } else if (kind === 'separate') {
      const field = this.fields.at(-1);
      if (field) field.showsResult = !isPageField(field.instruction);
    } else if (kind === 'end') this.fields.pop();
  }

  private note(kind: 'footnote' | 'endnote', id: string | undefined): void {
    if (id === undefined) return;
    this.put(`[^${this.numberOf(kind, id)}]`);
    (kind === 'footnote' ? this.content.footnotes : this.content.endnotes).push(id);
  }

  private drawing(element: XmlElement): void {
    const boxes = [...descendantsOf(element, 'w:txbxContent')];
    this.content.boxes.push(...boxes);
    for (const chart of descendantsOf(element, 'c:chart')) pushId(this.content.charts, chart.attributes['r:id']);
    for (const diagram of descendantsOf(element, 'dgm:relIds'))
      pushId(this.content.diagrams, diagram.attributes['r:dm']);
    for (const path of descendantsOf(element, 'v:textpath')) this.put(path.attributes['string'] ?? '');
    const isPicture = [...descendantsOf(element, 'a:blip'), ...descendantsOf(element, 'v:imagedata')].length > 0;
    if (!isPicture || boxes.length > 0) return;
    const description = descriptionOf(element);
    if (description === null) this.content.pictures += 1;
    else this.put(`[Image: ${description}]`);
  }

  private breakPage(rendered: boolean): void {
    this.content.pageBreaks.push({ offset: this.length, rendered });
  }

  private put(text: string): void {
    if (this.fields.some((field) => !field.showsResult)) return;
    this.parts.push(text);
    this.length += text.length;
  }
}

/** The alternative text of a picture, unless it only repeats a file's name. */
function descriptionOf(drawing: XmlElement): string | null {
  const named = [...descendantsOf(drawing, 'wp:docPr')].map(({ attributes }) => attributes['descr']);
  const shaped = [...descendantsOf(drawing, 'v:shape')].map(({ attributes }) => attributes['alt']);
  const description = [...named, ...shaped].find((text) => text !== undefined && text.trim() !== '')?.trim();
  if (description === undefined || /^\S+\.(?:png|jpe?g|gif|bmp|emf|wmf|tiff?|svg)$/i.test(description)) return null;
  return description.replaceAll(/\s+/g, ' ');
}

function isPageField(instruction: string): boolean {
  return /^\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b/i.test(instruction);
}

function symbolOf(character: string): string {
  return symbols[character.codePointAt(0)?.toString(16) ?? ''] ?? character;
}

function pushId(ids: string[], id: string | undefined): void {
  if (id !== undefined) ids.push(id);
}

/** Whether a property that is on when it is present is on. */
export function isOn(properties: XmlElement | undefined, name: string): boolean {
  if (childOf(properties, name) === undefined) return false;
  return !/^(?:0|false|off)$/.test(valueOf(properties, name) ?? '');
}
