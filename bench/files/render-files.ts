import type { IngestedFile } from './ingest-folder.ts';

const longestPath = 60;

/** One line a file: state, type, characters, chunks, and the codes of warnings or the reason. */
export function renderFiles(files: readonly IngestedFile[]): string {
  const rows = [
    ['file', 'state', 'type', 'characters', 'chunks', 'warnings and reason'],
    ...files.map((file) => [
      file.path.length > longestPath ? `…${file.path.slice(1 - longestPath)}` : file.path,
      file.state,
      file.type ?? '',
      String(file.characters ?? ''),
      String(file.chunks ?? ''),
      file.error ? `${file.error.code}: ${file.error.detail}` : file.warnings.map(({ code }) => code).join(', '),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}
