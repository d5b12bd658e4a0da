import { markdownTable } from '../markdown-table.ts';
import type { MarkdownWriter } from '../markdown-writer.ts';
import type { SheetRow } from './read-sheet.ts';

/**
 * Writes the rows of a sheet as tables. A row without cells ends a table, unless numbers follow it under the same columns;
 * rows with a single cell above the header are titles, and stand as text.
 */
export class SheetTables {
  private readonly writer: MarkdownWriter;
  private rows: SheetRow[] = [];
  private lastNumber = 0;
  private begun = false;
  private readonly title: string;

  /** @param title the heading of a sheet that is not empty. */
  constructor(writer: MarkdownWriter, title: string) {
    this.writer = writer;
    this.title = title;
  }

  add(row: SheetRow, number: number): void {
    if (this.rows.length > 0 && number > this.lastNumber + 1 && !this.goesOn(row)) this.end();
    this.begin();
    this.rows.push(row);
    this.lastNumber = number;
  }

  /** Writes what stands on the sheet beside its cells, after all of them. */
  note(line: string): void {
    this.begin();
    this.writer.block(line);
  }

  private begin(): void {
    if (!this.begun) this.writer.heading(1, this.title);
    this.begun = true;
  }

  /** Writes what is still open. */
  end(): void {
    const header = this.rows.findIndex((row) => row.size > 1);
    const titles = header < 0 ? this.rows : this.rows.slice(0, header);
    for (const row of titles) this.writer.block([...row.values()].map(({ text }) => text).join(' '));
    if (header >= 0) this.writer.block(tableOf(this.rows.slice(header)));
    this.rows = [];
  }

  private goesOn(row: SheetRow): boolean {
    const header = this.rows.find((candidate) => candidate.size > 1);
    if (header === undefined || row.size < 2) return false;
    return [...row.keys()].every((column) => header.has(column)) && [...row.values()].some(({ isText }) => !isText);
  }
}

function tableOf(rows: readonly SheetRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))].sort((a, b) => a - b);
  return markdownTable(rows.map((row) => columns.map((column) => row.get(column)?.text ?? '')));
}
