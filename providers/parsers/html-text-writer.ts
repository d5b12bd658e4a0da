const blockElements = new Set([
  'address', 'article', 'aside', 'blockquote', 'body', 'caption', 'dd', 'details', 'div', 'dl', 'dt', 'fieldset',
  'figcaption', 'figure', 'footer', 'form', 'header', 'hr', 'html', 'legend', 'main', 'p', 'section', 'summary', 'table',
  'tbody', 'tfoot', 'thead',
]); // prettier-ignore

const tightBlocks = new Set(['dd', 'dt', 'div', 'summary', 'tbody', 'thead', 'tfoot', 'figcaption', 'caption']);

/** Writes the text of HTML elements as plain lines: `#` headings, `-` and `1.` items, fenced code, `|` between cells. */
export class HtmlTextWriter {
  private readonly parts: string[] = [];
  /** Line feeds that the next text needs before it; none at the begin of the text. */
  private pendingLines = 0;
  private pendingSpace = false;
  private empty = true;
  private hasText = false;
  /** After the mark of a heading, an item or a cell: its text follows on the same line, whatever element it is in. */
  private afterMark = false;
  private preformatted = 0;
  /** The next number of each open list; null in one without numbers. */
  private readonly lists: (number | null)[] = [];
  private cells = 0;

  openElement(name: string): void {
    if (name === 'br') this.breakLines(1);
    else if (name === 'hr') this.breakLines(2);
    else if (isHeading(name)) this.openHeading(Number(name[1]));
    else if (name === 'ul' || name === 'ol') this.openList(name);
    else if (name === 'li') this.openItem();
    else if (name === 'pre') this.openCode();
    else if (name === 'tr') this.openRow();
    else if (name === 'td' || name === 'th') this.openCell();
    else if (blockElements.has(name)) this.breakLines(tightBlocks.has(name) ? 1 : 2);
  }

  closeElement(name: string): void {
    if (isHeading(name)) this.endMarked(2);
    else if (name === 'ul' || name === 'ol') {
      this.lists.pop();
      this.breakLines(this.lists.length === 0 ? 2 : 1);
    } else if (name === 'li' || name === 'tr') this.endMarked(1);
    else if (name === 'pre') this.closeCode();
    else if (blockElements.has(name)) this.breakLines(tightBlocks.has(name) ? 1 : 2);
  }

  write(text: string): void {
    if (this.preformatted > 0) {
      this.hasText ||= text.trim() !== '';
      this.put(text.replaceAll('\r\n', '\n'));
      return;
    }
    const collapsed = text.replaceAll(/[\s\u00a0]+/g, ' ');
    const words = collapsed.trim();
    if (words === '') {
      this.pendingSpace ||= collapsed !== '';
      return;
    }
    this.pendingSpace ||= collapsed.startsWith(' ');
    this.hasText = true;
    this.put(words);
    this.pendingSpace = collapsed.endsWith(' ');
  }

  /** Whether no text was written yet; marks alone are none. */
  isEmpty(): boolean {
    return !this.hasText;
  }

  /** All that was written, ending with one line feed; empty if there was no text. */
  text(): string {
    const text = this.parts.join('').trimEnd();
    return this.hasText ? `${text}\n` : '';
  }

  private put(text: string): void {
    if (text === '') return;
    if (this.pendingLines > 0 && !this.empty) this.parts.push('\n'.repeat(this.pendingLines));
    else if (this.pendingSpace && !this.empty && this.preformatted === 0) this.parts.push(' ');
    this.parts.push(text);
    this.pendingLines = 0;
    this.pendingSpace = false;
    this.empty = false;
    this.afterMark = false;
  }

  private mark(text: string): void {
    this.put(text);
    this.afterMark = true;
  }

  private breakLines(lines: number): void {
    if (this.preformatted > 0 || this.afterMark) return;
    // Items stay together: a blank line within a list would read as its end.
    this.pendingLines = Math.max(this.pendingLines, this.lists.length > 0 ? Math.min(lines, 1) : lines);
    this.pendingSpace = false;
  }

  private endMarked(lines: number): void {
    this.afterMark = false;
    this.breakLines(lines);
  }

  private openHeading(level: number): void {
    this.breakLines(2);
    this.mark(`${'#'.repeat(level)} `);
  }

  private openList(name: string): void {
    this.endMarked(this.lists.length === 0 ? 2 : 1);
    this.lists.push(name === 'ol' ? 1 : null);
  }

  private openItem(): void {
    this.afterMark = false;
    this.breakLines(1);
    const depth = Math.max(this.lists.length - 1, 0);
    const number = this.lists[depth] ?? null;
    if (number !== null) this.lists[depth] = number + 1;
    this.mark(`${'  '.repeat(Math.min(depth, 20))}${number === null ? '-' : `${number}.`} `);
  }

  private openCode(): void {
    this.breakLines(2);
    this.put('```\n');
    this.preformatted += 1;
  }

  private closeCode(): void {
    if (this.preformatted === 0) return;
    const last = this.parts.at(-1) ?? '';
    this.parts.push(last.endsWith('\n') ? '```' : '\n```');
    this.preformatted -= 1;
    this.breakLines(2);
  }

  private openRow(): void {
    this.breakLines(1);
    this.cells = 0;
  }

  private openCell(): void {
    if (this.cells > 0) {
      this.pendingLines = 0;
      this.pendingSpace = false;
      this.put(' | ');
    }
    this.afterMark = true;
    this.cells += 1;
  }
}

function isHeading(name: string): boolean {
  return name.length === 2 && name >= 'h1' && name <= 'h6';
}
