import { markdownTable } from '../markdown-table.ts';
import type { MarkdownWriter } from '../markdown-writer.ts';
import { encodingOfCharset, encodingOfCodePage } from './code-pages.ts';
import type { RtfToken } from './rtf-tokens.ts';

/** What holds within a group and ends with it. */
interface GroupState {
  readonly destination: string;
  readonly font: number;
  readonly hidden: boolean;
  /** How many characters stand after `\u` for readers without Unicode. */
  readonly fallback: number;
}

// Data of fonts, pictures and programs; text in them is not the document's.
const skippedGroups = new Set([
  'colortbl', 'pict', 'objdata', 'fldinst', 'themedata', 'colorschememapping', 'latentstyles', 'datastore', 'xmlnstbl',
  'listtable', 'listoverridetable', 'rsidtbl', 'generator', 'revtbl', 'filetbl', 'sp', 'nonshppict', 'pgdsctbl',
  'bkmkstart', 'bkmkend', 'formfield', 'atnid', 'atnauthor', 'atnref', 'ftnsep', 'ftnsepc', 'pntxta', 'pntxtb', 'falt', 'panose',
]); // prettier-ignore
const ownDestinations = new Set([
  'fonttbl',
  'stylesheet',
  'info',
  'title',
  'listtext',
  'pntext',
  'footnote',
  'annotation',
]);
const marginalGroup = /^(?:header|footer)[flr]?$/;
const readIfMarked = new Set(['shpinst', 'shptxt', 'annotation', 'footnote']);
const characters: Readonly<Record<string, string>> = {
  tab: ' ', emdash: '—', endash: '–', lquote: '‘', rquote: '’', ldblquote: '“', rdblquote: '”', bullet: '•', '~': '\u00a0',
  _: '-', '{': '{', '}': '}', '\\': '\\', emspace: ' ', enspace: ' ', qmspace: ' ', line: '\n', softline: '\n', '\n': '\n',
}; // prettier-ignore
// Damaged files open groups without end.
const deepest = 2_000;

/** Turns the tokens of RTF into Markdown: paragraphs, headings by style, list items, tables, and notes. */
export class RtfReader {
  title = '';
  private readonly writer: MarkdownWriter;
  private readonly groups: GroupState[] = [];
  private state: GroupState = { destination: '', font: -1, hidden: false, fallback: 1 };
  private codePage = 'windows-1252';
  private readonly fontEncodings = new Map<number, string | null>();
  private readonly headingStyles = new Map<number, number>();
  private styleName = '';
  private style = -1;
  private outline = -1;
  private marker = '';
  private text = '';
  private note = '';
  private marginal = '';
  private readonly marginals = new Set<string>();
  private bytes: number[] = [];
  private toSkip = 0;
  private inTable = false;
  private cells: string[] = [];
  private rows: string[][] = [];
  private starred = false;

  constructor(writer: MarkdownWriter) {
    this.writer = writer;
  }

  read(tokens: Iterable<RtfToken>): void {
    for (const token of tokens) {
      if (token.kind === 'byte') this.byte(token.byte);
      else if (token.kind === 'text') this.plain(token.text);
      else {
        this.flushBytes();
        if (token.kind === 'open') this.open();
        else if (token.kind === 'close') this.close();
        else this.word(token.word, token.number);
      }
    }
    this.flushBytes();
    this.endParagraph();
    this.endTable();
    for (const text of this.marginals) this.writer.block(text);
  }

  private open(): void {
    if (this.groups.length < deepest) this.groups.push(this.state);
    this.starred = false;
    this.toSkip = 0;
  }

  private close(): void {
    const ended = this.state.destination;
    this.state = this.groups.pop() ?? this.state;
    if (ended === 'stylesheet' && this.state.destination === 'stylesheet') this.endStyle();
    if (ended === 'footnote' && this.state.destination !== 'footnote' && this.note.trim() !== '') {
      this.text += ` [${this.note.replaceAll(/\s+/g, ' ').trim()}]`;
      this.note = '';
    }
    if (ended === 'marginal' && this.state.destination !== 'marginal') {
      const text = this.marginal.replaceAll(/\s+/g, ' ').trim();
      if (text !== '') this.marginals.add(text);
      this.marginal = '';
    }
    this.toSkip = 0;
  }

  private word(word: string, number: number | null): void {
    if (word === '*') {
      this.starred = true;
      return;
    }
    const marked = this.starred;
    this.starred = false;
    if (skippedGroups.has(word) || (marked && !readIfMarked.has(word))) this.setState({ destination: 'skip' });
    else if (this.state.destination === 'skip') return;
    else if (marginalGroup.test(word)) this.setState({ destination: 'marginal' });
    else if (ownDestinations.has(word)) this.setState({ destination: word === 'annotation' ? 'footnote' : word });
    else if (word === 'u' && number !== null) this.unicode(number);
    else if (word in characters) this.put(characters[word] ?? '');
    else if (!this.property(word, number ?? 1)) this.structure(word);
  }

  /** @returns whether the word is one that sets something. */
  private property(word: string, number: number): boolean {
    if (word === 'ansicpg') this.codePage = encodingOfCodePage(number);
    else if (word === 'mac') this.codePage = 'macintosh';
    else if (word === 'uc') this.setState({ fallback: Math.min(Math.max(number, 0), 10) });
    else if (word === 'f') this.setState({ font: number });
    else if (word === 'fcharset') this.fontEncodings.set(this.state.font, encodingOfCharset(number));
    else if (word === 'plain') this.setState({ hidden: false });
    else if (word === 'v' || word === 'deleted') this.setState({ hidden: number !== 0 });
    else if (this.state.destination === 'marginal') return false;
    else if (word === 's') this.style = number;
    else if (word === 'outlinelevel') this.setOutline(number);
    else if (word === 'intbl') this.inTable = true;
    else return false;
    return true;
  }

  private structure(word: string): void {
    if (this.state.destination === 'marginal') {
      this.marginal += ' ';
      return;
    }
    if (word === 'par' || word === 'sect' || word === 'page') {
      if (this.state.destination === 'footnote') this.note += ' ';
      else if (this.inTable) this.text += ' ';
      else this.endParagraph();
    } else if (word === 'pard') {
      this.inTable = false;
      this.style = -1;
      this.outline = -1;
    } else if (word === 'cell' || word === 'nestcell') {
      this.cells.push(this.text);
      this.text = '';
      this.marker = '';
    } else if (word === 'row' || word === 'nestrow') {
      if (this.cells.length > 0) this.rows.push(this.cells);
      this.cells = [];
      this.inTable = false;
    }
  }

  private setOutline(level: number): void {
    if (this.state.destination === 'stylesheet') this.headingStyles.set(this.style, level + 1);
    else this.outline = level;
  }

  private endStyle(): void {
    const level = /^heading ([1-9])/i.exec(this.styleName.trim())?.[1];
    if (level !== undefined) this.headingStyles.set(this.style, Number(level));
    this.styleName = '';
    this.style = -1;
  }

  private setState(change: Partial<GroupState>): void {
    this.state = { ...this.state, ...change };
  }

  private unicode(number: number): void {
    this.put(String.fromCharCode(number < 0 ? number + 65_536 : number));
    this.toSkip = this.state.fallback;
  }

  private byte(byte: number): void {
    if (this.toSkip > 0) this.toSkip -= 1;
    else this.bytes.push(byte);
  }

  private plain(text: string): void {
    const skipped = Math.min(this.toSkip, text.length);
    this.toSkip -= skipped;
    // The second byte of a character may be a letter of ASCII, so that all of them are decoded together.
    for (let index = skipped; index < text.length; index += 1) this.bytes.push(text.charCodeAt(index));
  }

  private flushBytes(): void {
    if (this.bytes.length === 0) return;
    const encoding = this.fontEncodings.get(this.state.font) ?? this.codePage;
    const text = new TextDecoder(encoding).decode(Uint8Array.from(this.bytes));
    this.bytes = [];
    this.put(text);
  }

  private put(text: string): void {
    const { destination, hidden } = this.state;
    if (destination === 'stylesheet') this.styleName += text.replace(/;$/, '');
    else if (destination === 'title') this.title += text;
    else if (destination === 'listtext' || destination === 'pntext') this.marker += text;
    else if (destination === 'footnote') this.note += text;
    else if (destination === 'marginal') this.marginal += hidden ? '' : text;
    else if (!hidden && destination === '') {
      if (!this.inTable && this.rows.length > 0 && text.trim() !== '') this.endTable();
      this.text += text;
    }
  }

  private endParagraph(): void {
    const text = this.text
      .replaceAll(/[ \t]+/g, ' ')
      .replaceAll(/ ?\n ?/g, '\n')
      .trim()
      .toWellFormed();
    const marker = this.marker.trim();
    this.text = '';
    this.marker = '';
    if (text === '') return;
    this.endTable();
    const level = this.outline >= 0 && this.outline < 9 ? this.outline + 1 : this.headingStyles.get(this.style);
    if (level !== undefined && level < 10) this.writer.heading(level, marker === '' ? text : `${marker} ${text}`);
    else if (marker === '') this.writer.block(text);
    else this.writer.item(`${/^\d+[.)]$/.test(marker) ? marker : '-'} ${text.replaceAll('\n', ' ')}`);
  }

  private endTable(): void {
    const rows = this.cells.length > 0 ? [...this.rows, this.cells] : this.rows;
    this.rows = [];
    this.cells = [];
    if (rows.length > 0) this.writer.block(markdownTable(rows));
  }
}
