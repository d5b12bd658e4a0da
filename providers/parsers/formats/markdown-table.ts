const emptyCell = /^\s*$/;

/**
 * A Markdown table of the rows, the first one being its header; empty rows and columns are left out. A table of one
 * column or one cell holds no relation, and comes as lines. Empty if all cells are.
 */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const filled = rows.filter((row) => row.some((cell) => !emptyCell.test(cell)));
  const width = filled.reduce((most, row) => Math.max(most, row.length), 0);
  const columns = Array.from({ length: width }, (_, index) => index).filter((index) =>
    filled.some((row) => !emptyCell.test(row[index] ?? '')),
  );
  if (columns.length < 2) return filled.map((row) => (row[columns[0] ?? 0] ?? '').trim()).join('\n\n');
  const [header = [], ...body] = filled.map((row) => tableRow(columns.map((index) => row[index] ?? '')));
  return [header, tableRow(columns.map(() => '---')), ...body].join('\n');
}

/** One line of a Markdown table; line feeds and bars within a cell would end it. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll(/\s+/g, ' ').trim().replaceAll('|', '\\|')).join(' | ')} |`;
}
