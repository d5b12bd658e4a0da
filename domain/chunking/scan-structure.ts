import { appendSentenceEnds } from './sentence-ends.ts';
import { strengths, weakestSection } from './text-structure.ts';
import type { Heading, TextFormat, TextStructure } from './text-structure.ts';

const fencePattern = /^ {0,3}(`{3,}(?!.*`)|~{3,})/;
const frontMatterPattern = /^---[ \t]*\r?\n[^]{0,20000}?\n---[ \t]*(?:\r?\n|$)/;
const headingPattern = /^ {0,3}(#{1,6})(?:[ \t]+|$)(.*)$/;
const underlinePattern = /^ {0,3}(=+|-{2,})[ \t]*$/;
const listItemPattern = /^[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]/;
const tableRowPattern = /^ {0,3}\|/;
const longestTitle = 200;

// A few milliseconds of work.
const charactersPerStep = 65_536;

/**
 * Finds where a text may be cut, in one pass over its lines: before headings, between paragraphs, list items, lines of
 * code and sentences. Fenced code and front matter hold no headings. Yields now and then, so that the caller may let
 * others run.
 */
export function* scanStructure(text: string, format: TextFormat): Generator<void, TextStructure> {
  const scanner = new StructureScanner(text, format);
  let start = 0;
  let yielded = 0;
  while (start < text.length) {
    const lineFeed = text.indexOf('\n', start);
    const next = lineFeed < 0 ? text.length : lineFeed + 1;
    scanner.readLine(start, next);
    start = next;
    if (start - yielded >= charactersPerStep) {
      yielded = start;
      yield;
    }
  }
  return scanner.structure();
}

class StructureScanner {
  private readonly text: string;
  private readonly format: TextFormat;
  private readonly positions: number[] = [];
  private readonly values: number[] = [];
  private readonly headings: Heading[] = [];
  /** The fence that closes the open code block, or null outside one. */
  private fence: string | null = null;
  private readonly frontMatterEnd: number;
  private afterBlank = true;
  private afterHeading = false;
  /** Index in `positions` of the open paragraph's first line, for headings that are underlined. */
  private paragraph = -1;

  constructor(text: string, format: TextFormat) {
    this.text = text;
    this.format = format;
    this.frontMatterEnd = format === 'markdown' ? (frontMatterPattern.exec(text)?.[0].length ?? 0) : 0;
  }

  structure(): TextStructure {
    return { positions: this.positions, strengths: this.values, headings: this.headings };
  }

  readLine(start: number, next: number): void {
    const line = this.text.slice(start, next).trimEnd();
    if (line === '') {
      this.readBlank(start);
    } else if (this.format === 'code') {
      this.readCode(start, line);
    } else if (this.format === 'text' || !this.readMarkup(start, line)) {
      this.readProse(start, next, line);
    }
  }

  private readBlank(start: number): void {
    this.afterBlank = true;
    this.paragraph = -1;
    // White space belongs to what stands before it: no place to cut before a blank line.
    if (this.positions.at(-1) === start) {
      this.positions.pop();
      this.values.pop();
    }
  }

  private readCode(start: number, line: string): void {
    const topLevel = !/^[ \t]/.test(line);
    const strength =
      this.afterBlank && topLevel ? strengths.block : this.afterBlank ? strengths.listItem : strengths.line;
    this.mark(start, strength);
  }

  /** Reads what only Markdown has; false for everything else. */
  private readMarkup(start: number, line: string): boolean {
    if (start < this.frontMatterEnd) {
      this.mark(start, strengths.line);
      return true;
    }
    const fence = fencePattern.exec(line)?.[1];
    if (this.fence !== null) {
      this.mark(start, this.afterBlank ? strengths.line + 1 : strengths.line);
      if (fence?.startsWith(this.fence) && line.trim() === fence) this.closeFence();
      return true;
    }
    if (fence !== undefined) {
      this.mark(start, strengths.block);
      this.fence = fence;
      this.paragraph = -1;
      return true;
    }
    const heading = headingPattern.exec(line);
    if (heading) {
      this.addHeading(start, heading[1]!.length, heading[2]!.replace(/[ \t]+#+$/, ''));
      return true;
    }
    return this.readUnderline(start, line);
  }

  private closeFence(): void {
    this.fence = null;
    this.afterBlank = true;
  }

  /** A line of `===` or `---` makes a heading of the paragraph above it. */
  private readUnderline(start: number, line: string): boolean {
    const underline = underlinePattern.exec(line)?.[1];
    if (underline === undefined || this.paragraph < 0) return false;
    const level = underline.startsWith('=') ? 1 : 2;
    const position = this.positions[this.paragraph]!;
    this.values[this.paragraph] = strengths.section - level;
    this.positions.length = this.paragraph + 1;
    this.values.length = this.paragraph + 1;
    this.headings.push({ position, level, title: titleOf(this.text.slice(position, start)) });
    this.paragraph = -1;
    this.afterHeading = true;
    this.afterBlank = false;
    return true;
  }

  private addHeading(start: number, level: number, title: string): void {
    this.mark(start, strengths.section - level);
    this.headings.push({ position: start, level, title: titleOf(title) });
    this.paragraph = -1;
    this.afterHeading = true;
  }

  private readProse(start: number, next: number, line: string): void {
    const isItem = listItemPattern.test(line);
    const isRow = this.format === 'markdown' && tableRowPattern.test(line);
    const opensBlock = this.afterBlank || this.positions.length === 0;
    const strength = isItem
      ? strengths.listItem
      : opensBlock
        ? strengths.block
        : isRow
          ? strengths.line
          : strengths.wrappedLine;
    this.mark(start, strength);
    if (isItem || isRow) this.paragraph = -1;
    else if (this.paragraph < 0) this.paragraph = this.positions.length - 1;
    if (!isRow) appendSentenceEnds(this.text, start, next, this.positions, this.values);
  }

  private mark(position: number, strength: number): void {
    // A sentence that ended with its line has already marked this place.
    const last = this.positions.length - 1;
    const repeated = last >= 0 && this.positions[last] === position;
    const glued = this.afterHeading && strength < weakestSection ? strengths.afterHeading : strength;
    if (repeated) this.values[last] = Math.max(this.values[last]!, glued);
    else {
      this.positions.push(position);
      this.values.push(glued);
    }
    this.afterHeading = false;
    this.afterBlank = false;
  }
}

function titleOf(line: string): string {
  return line.replaceAll(/\s+/g, ' ').trim().slice(0, longestTitle);
}
