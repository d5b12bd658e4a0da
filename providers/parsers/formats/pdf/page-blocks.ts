import { markdownTable } from '../markdown-table.ts';
import { findTables } from './find-tables.ts';
import { joinLine } from './join-text.ts';
import type { Row } from './page-run.ts';
import { roundSize } from './text-style.ts';
import type { TextStyle } from './text-style.ts';

/** A block of a page; `level` is that of a heading. */
export interface PageBlock {
  readonly kind: 'heading' | 'item' | 'text' | 'table' | 'code';
  readonly text: string;
  readonly level: number;
}

interface OpenBlock {
  rows: Row[];
  text: string;
  isItem: boolean;
}

// Marks that begin an item; a number needs what follows it to be more than a figure.
const itemMark = /^(?:[•▪▫‣◦●○■□–—➢➤✓✔\u2043\uf0b7\uf0a7\uf0d8*-]|o(?=\s))\s+(?=\S)|^[•●▪■]\s*(?=\S)/u;
const numberMark = /^(?:\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+(?=\p{L})/u;
const endsSentence = /[.!?:;。！？：]["'”’)\]]?$/u;
const sectionNumber = /^\d{1,2}(?:\.\d{1,2})*\.?\s+\p{L}/u;
const longestHeading = 200;

// Fonts of TeX that macOS writes again name their ligature ff by the sign that has its code elsewhere.
const wrongLigature = /(?<=\p{L})\u21b5(?=\p{L})/gu;

/**
 * The blocks of one column: lines joined to paragraphs, tables, items, code and headings.
 * @param words as joinLine takes them.
 */
export function pageBlocks(rows: readonly Row[], style: TextStyle, words: ReadonlySet<string>): PageBlock[] {
  return findTables(rows).flatMap((group): PageBlock[] => {
    if ('cells' in group) return [{ kind: 'table', text: markdownTable(group.cells), level: 0 }];
    return new BlockBuilder(group.rows, style, words).blocks();
  });
}

class BlockBuilder {
  private readonly rows: readonly Row[];
  private readonly style: TextStyle;
  private readonly words: ReadonlySet<string>;
  private readonly left: number;
  private readonly right: number;
  private readonly codeLeft: number;
  private readonly usualGap: number;

  constructor(rows: readonly Row[], style: TextStyle, words: ReadonlySet<string>) {
    this.rows = rows;
    this.style = style;
    this.words = words;
    this.left = rows.reduce((least, row) => Math.min(least, row.left), Number.POSITIVE_INFINITY);
    this.right = rows.reduce((most, row) => Math.max(most, row.right), Number.NEGATIVE_INFINITY);
    const code = rows.filter(isMonospaced);
    this.codeLeft = code.reduce((least, row) => Math.min(least, row.left), Number.POSITIVE_INFINITY);
    this.usualGap = usualGap(rows);
  }

  blocks(): PageBlock[] {
    const blocks: PageBlock[] = [];
    let open: OpenBlock | null = null;
    const close = (): void => {
      if (open !== null) blocks.push(this.finish(open));
      open = null;
    };
    for (const [index, row] of this.rows.entries()) {
      const text = row.segments
        .map((segment) => segment.text.trim())
        .join(' ')
        .replaceAll(wrongLigature, 'ff');
      if (this.isCode(index)) {
        close();
        this.addCode(row, blocks);
        continue;
      }
      if (open !== null && this.continues(open, row, text)) {
        open.text = this.append(open, text);
        open.rows.push(row);
        continue;
      }
      close();
      const mark = itemMark.exec(text);
      // A star is a mark in Markdown too.
      const item = mark && !text.startsWith('*') ? `- ${text.slice(mark[0].length)}` : text;
      open = { rows: [row], text: item, isItem: mark !== null || numberMark.test(text) };
    }
    close();
    return blocks;
  }

  private continues(open: OpenBlock, row: Row, text: string): boolean {
    const last = open.rows.at(-1);
    const first = open.rows[0];
    if (last === undefined || first === undefined) return false;
    const gap = row.baseline - last.baseline;
    if (Math.abs(row.size - last.size) > 0.12 * Math.max(row.size, last.size)) return false;
    if (isBold(row) !== isBold(last) && (isBold(row) || open.rows.every(isBold))) return false;
    const isLarge = row.size > this.style.bodySize * 1.1;
    if (isLarge && (sectionNumber.test(text) || !areFlush(last, row))) return false;
    // Lines of a heading stand further apart than those of the body.
    const widest = isLarge ? 1.6 * row.size : Math.min(1.35 * this.usualGap, 2.2 * row.size);
    if (gap > widest || gap < 0) return false;
    if (itemMark.test(text) || (numberMark.test(text) && this.isShort(last, open.text))) return false;
    // What wraps stands further in than the number, or the next item would look like it.
    const isFlush = Math.abs(row.left - first.left) < 0.3 * row.size;
    if (isFlush && numberMark.test(text) && numberMark.test(open.text)) return false;
    const indent = 0.8 * row.size;
    if (open.isItem) return row.left > first.left + 0.3 * row.size || !endsSentence.test(open.text);
    // The first line of a paragraph stands back, in a column whose other lines do not.
    const standsBack = row.left > last.left + indent && last.left < this.left + indent && open.rows.length > 0;
    return !(standsBack && endsSentence.test(open.text) && row.left < this.left + 4 * row.size);
  }

  /** A line that ends early was ended by its author: what follows stays on a line of its own. */
  private append(open: OpenBlock, text: string): string {
    const last = open.rows.at(-1);
    const isHeading = this.headingLevel(open.rows, open.text) !== null;
    if (last === undefined || isHeading || open.isItem || !this.isShort(last, open.text) || /^\p{Ll}/u.test(text)) {
      return joinLine(open.text, text, this.words);
    }
    return `${open.text}\n${text}`;
  }

  private isShort(row: Row, text: string): boolean {
    const room = this.right - row.right;
    return room > (endsSentence.test(text) ? 0.12 : 0.25) * (this.right - this.left) && room > 2 * row.size;
  }

  private finish(open: OpenBlock): PageBlock {
    const level = this.headingLevel(open.rows, open.text);
    if (level !== null) return { kind: 'heading', text: open.text.replace(/^- /, ''), level };
    const isMarked = /^[-*] /.test(open.text) || /^\d{1,3}[.)]\s/.test(open.text);
    return { kind: open.isItem && isMarked ? 'item' : 'text', text: open.text, level: 0 };
  }

  private headingLevel(rows: readonly Row[], text: string): number | null {
    const { headingSizes, boldStandsOut, bodySize } = this.style;
    const letters = text.match(/\p{L}/gu)?.length ?? 0;
    if (letters < 2 || text.length > longestHeading || rows.length > 4) return null;
    const size = headingSizes.indexOf(roundSize(rows[0]?.size ?? 0));
    if (size >= 0) return size + 1;
    const isLine = rows.length <= 2 && !/[.,;:]$/.test(text) && !text.startsWith('- ');
    const isBody = (rows[0]?.size ?? 0) > bodySize * 0.9;
    return boldStandsOut && isLine && isBody && rows.every(isBold) ? Math.min(headingSizes.length + 1, 6) : null;
  }

  /** One line in a font for code is an address; several are code. */
  private isCode(index: number): boolean {
    const [before, row, after] = [this.rows[index - 1], this.rows[index], this.rows[index + 1]];
    return isMonospaced(row) && (isMonospaced(before) || isMonospaced(after));
  }

  private addCode(row: Row, blocks: PageBlock[]): void {
    const [first] = row.segments;
    const width = first === undefined ? 1 : (first.right - first.left) / Math.max(first.text.length, 1);
    let line = '';
    for (const segment of row.segments) {
      const column = Math.round((segment.left - this.codeLeft) / Math.max(width, 1));
      line = `${line.padEnd(Math.min(column, 200))}${segment.text}`;
    }
    const last = blocks.at(-1);
    if (last?.kind === 'code') blocks[blocks.length - 1] = { ...last, text: `${last.text}\n${line}` };
    else blocks.push({ kind: 'code', text: line, level: 0 });
  }
}

/** The distance between most lines. */
function usualGap(rows: readonly Row[]): number {
  const gaps = rows.slice(1).flatMap((row, index) => {
    const gap = row.baseline - (rows[index]?.baseline ?? 0);
    return gap > 0.5 * row.size && gap < 2.2 * row.size ? [gap] : [];
  });
  // Low among them, because gaps between paragraphs are among them too.
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length * 0.4)] ?? 1.3 * (rows[0]?.size ?? 10);
}

/** Whether two lines have the same left edge or the same middle. */
function areFlush(a: Row, b: Row): boolean {
  return Math.abs(a.left - b.left) < b.size || Math.abs(a.left + a.right - b.left - b.right) < 2 * b.size;
}

function isBold(row: Row): boolean {
  return row.segments.every(({ bold }) => bold);
}

function isMonospaced(row: Row | undefined): boolean {
  return row !== undefined && row.segments.every(({ monospaced }) => monospaced);
}
