import type { Result } from './results.ts';

/** The results as a Markdown table, padded so that it reads well in a terminal too. */
export function renderTable(results: readonly Result[]): string {
  const rows = [
    ['metric', 'median', 'least', 'most', 'rounds'],
    ...results.map(({ metric, median, least, most, rounds }) => [
      metric,
      ...[median, least, most].map(format),
      String(rounds),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

function format(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
