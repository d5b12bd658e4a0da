import { PlaceList } from './place-list.ts';
import { boundaryParts, markCodeLine, mergeBoundaries } from './scan-code.ts';
import { appendSentenceEnds } from './sentence-ends.ts';
import { strengths } from './text-structure.ts';
import type { Block, Fence, Heading, Table, TextFormat, TextStructure, TextToChunk } from './text-structure.ts';

const fencePattern = /^ {0,3}(`{3,}(?!.*`)|~{3,})[ \t]*([^\s`{]*)/;
const frontMatterPattern = /^---[ \t]*\r?\n[^]{0,20000}?\n---[ \t]*(?:\r?\n|$)/;
const headingPattern = /^ {0,3}(#{1,6})(?:[ \t]+|$)(.*)$/;
const underlinePattern = /^ {0,3}(=+|-{2,})[ \t]*$/;
const listItemPattern = /^([ \t]*)(?:[-*+•]|\d{1,9}[.)])[ \t]/;
const tableDelimiterPattern = /^ {0,3}\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?[ \t]*)?$/;
const longestTitle = 200;
// Patterns that look twice at a character are kept away from lines of megabytes.
const longestMarkup = 1000;
const longestTableHeader = 1000;

// A few milliseconds of work.
const charactersPerStep = 65_536;

/**
 * Finds where a text may be cut, in one pass over its lines: before headings, between paragraphs, list items, rows of
 * tables, lines of code and sentences; where a parser knows the syntax of code, by that. Fenced code and front matter
 * hold no headings. Yields now and then, so that the caller may let others run.
 */
export function* scanStructure(document: TextToChunk): Generator<void, TextStructure> {
  const { text, format, boundaries } = document;
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
  const structure = scanner.structure();
  if (!boundaries) return structure;
  const { positions, values } = mergeBoundaries(scanner.places, boundaries);
  return { ...structure, positions, strengths: values, ...boundaryParts(boundaries, text.length) };
}

class StructureScanner {
  readonly places = new PlaceList();
  private readonly text: string;
  private readonly format: TextFormat;
  private readonly headings: Heading[] = [];
  private readonly tables: Table[] = [];
  private readonly fences: Fence[] = [];
  /** The mark that closes the open code block, where the block began and its language; null outside one. */
  private fence: { mark: string; start: number; language: string | null } | null = null;
  private table: Omit<Table, 'end'> | null = null;
  private readonly frontMatterEnd: number;
  private afterBlank = true;
  /** What follows a block of code or a table is a new block, with or without a blank line. */
  private blockFollows = false;
  /** Index of the place of the open paragraph's first line, for headings that are underlined. */
  private paragraph = -1;
  /** The line before, if it may be the header of a table, and the index of its place. */
  private header: { start: number; line: string; place: number } | null = null;
  private end = 0;

  constructor(text: string, format: TextFormat) {
    this.text = text;
    this.format = format;
    this.frontMatterEnd = format === 'markdown' ? (frontMatterPattern.exec(text)?.[0].length ?? 0) : 0;
  }

  structure(): TextStructure {
    this.closeTable(this.end);
    if (this.fence !== null) this.closeFence(this.end);
    const blocks: Block[] = [...this.tables, ...this.fences].sort((one, other) => one.start - other.start);
    const { positions, values } = this.places;
    const { headings, tables, fences } = this;
    return { positions, strengths: values, headings, tables, fences, blocks };
  }

  readLine(start: number, next: number): void {
    this.end = next;
    const line = this.text.slice(start, next).trimEnd();
    if (line === '') {
      this.readBlank(start);
      return;
    }
    if (this.format === 'code') markCodeLine(this.places, { start, text: line, afterBlank: this.afterBlank });
    else if (this.format === 'text' || !this.readMarkup(start, next, line)) this.readProse(start, next, line);
    this.afterBlank = false;
  }

  private readBlank(start: number): void {
    if (this.fence === null) this.closeTable(start);
    this.afterBlank = true;
    this.paragraph = -1;
    this.header = null;
    // White space belongs to what stands before it: no place to cut before a blank line.
    this.places.removeLast(start);
  }

  /** Reads what only Markdown has; false for everything else. */
  private readMarkup(start: number, next: number, line: string): boolean {
    if (start < this.frontMatterEnd) {
      this.places.mark(start, strengths.line);
      return true;
    }
    const fence = line.length <= longestMarkup ? fencePattern.exec(line) : null;
    if (this.fence !== null) {
      this.places.mark(start, this.afterBlank ? strengths.line + 1 : strengths.line);
      if (fence?.[1]!.startsWith(this.fence.mark) && line.trim() === fence[1]) this.closeFence(next);
      return true;
    }
    if (fence) {
      this.endParts(start);
      this.places.mark(start, strengths.block);
      this.fence = { mark: fence[1]!, start, language: fence[2] === '' ? null : fence[2]! };
      return true;
    }
    const heading = headingPattern.exec(line);
    if (heading) {
      this.endParts(start);
      this.addHeading(start, heading[1]!.length, heading[2]!.slice(0, longestMarkup).replace(/[ \t]+#+$/, ''));
      return true;
    }
    return this.readUnderline(start, line) || this.readTable(start, next, line);
  }

  private endParts(position: number): void {
    this.closeTable(position);
    this.paragraph = -1;
    this.header = null;
  }

  private closeFence(end: number): void {
    if (this.fence) this.fences.push({ start: this.fence.start, end, language: this.fence.language });
    this.fence = null;
    this.blockFollows = true;
  }

  /** A line of `===` or `---` makes a heading of the paragraph above it. */
  private readUnderline(start: number, line: string): boolean {
    const underline = underlinePattern.exec(line)?.[1];
    if (underline === undefined || this.paragraph < 0) return false;
    const level = underline.startsWith('=') ? 1 : 2;
    const position = this.places.positions[this.paragraph]!;
    this.places.endWith(this.paragraph, strengths.section - level);
    this.headings.push({ position, level, title: titleOf(this.text.slice(position, start)) });
    this.places.glueNext();
    this.paragraph = -1;
    this.header = null;
    return true;
  }

  private addHeading(start: number, level: number, title: string): void {
    this.places.mark(start, strengths.section - level);
    this.places.glueNext();
    this.headings.push({ position: start, level, title: titleOf(title) });
  }

  /** Rows of an open table, and the `| --- |` line that makes the line above it a header. */
  private readTable(start: number, next: number, line: string): boolean {
    if (this.table !== null) {
      if (!line.includes('|')) {
        this.closeTable(start);
        this.blockFollows = true;
        return false;
      }
      // A header alone says nothing: its first row stays with it.
      this.places.mark(start, start === this.table.bodyStart ? strengths.afterHeading : strengths.line);
      return true;
    }
    if (this.header === null || !tableDelimiterPattern.test(line)) return false;
    const { start: tableStart, line: header, place } = this.header;
    this.places.endWith(place, Math.max(this.places.values[place]!, strengths.line));
    this.table = { start: tableStart, bodyStart: next, header: shorten(header.trim()) };
    this.paragraph = -1;
    this.header = null;
    return true;
  }

  private closeTable(end: number): void {
    if (this.table !== null) this.tables.push({ ...this.table, end });
    this.table = null;
  }

  private readProse(start: number, next: number, line: string): void {
    const item = listItemPattern.exec(line);
    const opensBlock = this.afterBlank || this.blockFollows || this.places.positions.length === 0;
    const isRow = this.format === 'markdown' && line.includes('|');
    this.blockFollows = false;
    // Items of a list within a list are weaker places.
    const itemStrength = strengths.listItem - (item && item[1] !== '' ? 2 : 0);
    const otherwise = opensBlock ? strengths.block : strengths.wrappedLine;
    this.places.mark(start, item ? itemStrength : otherwise);
    const place = this.places.positions.length - 1;
    this.header = isRow ? { start, line, place } : null;
    if (item) this.paragraph = -1;
    else if (this.paragraph < 0) this.paragraph = place;
    appendSentenceEnds(this.text, start, next, this.places.positions, this.places.values);
  }
}

function titleOf(line: string): string {
  return line.replaceAll(/\s+/g, ' ').trim().slice(0, longestTitle);
}

/** Cuts a header of very many columns after a whole one. */
function shorten(header: string): string {
  if (header.length <= longestTableHeader) return header;
  const cut = header.slice(0, longestTableHeader);
  return cut.slice(0, cut.lastIndexOf('|') + 1) || cut;
}
