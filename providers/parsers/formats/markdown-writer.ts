import { PerdureError } from '../../../contracts/errors.ts';
import type { PageStart } from '../../../domain/chunking/text-structure.ts';

/** Joins blocks of Markdown with blank lines, items of a list with line feeds, and keeps where each page begins. */
export class MarkdownWriter {
  readonly pages: PageStart[] = [];
  private readonly parts: string[] = [];
  private readonly limit: number;
  private length = 0;
  private lastWasItem = false;
  private pageToOpen: { number: number; label?: string } | null = null;

  /** @param limit most UTF-16 units of text. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** What is written next begins a page; a page without text begins where the next one does. */
  openPage(number: number, label?: string): void {
    this.closePage();
    this.pageToOpen = label === undefined ? { number } : { number, label };
  }

  /** @throws PerdureError `parser_output_too_large` when the text grows beyond the limit; so does `item`. */
  block(text: string): void {
    this.put(text, '\n\n');
    this.lastWasItem = false;
  }

  /** A line of a list: stays together with the item before it. */
  item(text: string): void {
    this.put(text, this.lastWasItem ? '\n' : '\n\n');
    this.lastWasItem = true;
  }

  /**
   * Goes on with the last block, also over the start of a page.
   * @param added what joins the two: 1 for a space, 0 for nothing, -1 to take the last character away, which is a hyphen.
   */
  continueBlock(text: string, added: number): void {
    if (added < 0) this.dropLast();
    if (added > 0) this.push(' ');
    this.closePage();
    this.push(text.trimEnd());
  }

  heading(level: number, title: string): void {
    const line = title.replaceAll(/\s+/g, ' ').trim();
    if (line !== '') this.block(`${'#'.repeat(Math.min(Math.max(level, 1), 6))} ${line}`);
  }

  isEmpty(): boolean {
    return this.length === 0;
  }

  /** All that was written, ending with one line feed; empty if there was nothing. */
  text(): string {
    this.closePage();
    return this.length === 0 ? '' : `${this.parts.join('')}\n`;
  }

  private put(text: string, separator: string): void {
    const trimmed = text.replace(/^(?:[ \t]*\n)+/, '').trimEnd();
    if (trimmed === '') return;
    if (this.length > 0) this.push(separator);
    this.closePage();
    this.push(trimmed);
  }

  private dropLast(): void {
    const last = this.parts.pop() ?? '';
    this.parts.push(last.slice(0, -1));
    this.length -= Math.min(last.length, 1);
  }

  private push(text: string): void {
    this.length += text.length;
    if (this.length > this.limit) {
      throw new PerdureError(
        'parser_output_too_large',
        `The document holds more than ${this.limit} characters of text. Split it, or raise the limit.`,
      );
    }
    this.parts.push(text);
  }

  private closePage(): void {
    if (this.pageToOpen === null) return;
    const { number, label } = this.pageToOpen;
    this.pages.push(label === undefined ? { number, start: this.length } : { number, start: this.length, label });
    this.pageToOpen = null;
  }
}
