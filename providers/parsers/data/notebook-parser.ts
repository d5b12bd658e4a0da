import type { DocumentWarning } from '../../../contracts/names/document-warnings.ts';
import type { ParsedDocument, TextParser } from '../document-parser.ts';
import { htmlFragmentText } from '../formats/html/html-fragment-text.ts';
import { jsonParser } from './json-parser.ts';

// The parts of Jupyter's nbformat (3 and 4) that are read; anything may be missing.
type Source = string | readonly string[] | undefined;
interface Output {
  output_type?: string;
  text?: Source;
  data?: Record<string, unknown>;
  ename?: string;
  evalue?: string;
  /** Of version 3. */
  html?: Source;
  latex?: Source;
}
interface Cell {
  cell_type?: string;
  source?: Source;
  input?: Source;
  level?: number;
  language?: string;
  outputs?: readonly Output[];
}
interface Notebook {
  cells?: readonly Cell[];
  worksheets?: readonly { cells?: readonly Cell[] }[];
  metadata?: { title?: string; language_info?: { name?: string }; kernelspec?: { language?: string } };
}

// What stands for an output that only a browser can show.
const nameOfObject = /^<[\w.]+(?: object| at 0x[0-9a-f]+)*>$/;

/** A notebook's Markdown as it is, its code in fences that name the language, and what the code printed. */
export const notebookParser: TextParser = {
  reads: 'text',
  parse(text, input): ParsedDocument | Promise<ParsedDocument> {
    const notebook = readNotebook(text);
    const cells = notebook?.cells ?? notebook?.worksheets?.flatMap((sheet) => sheet.cells ?? []);
    if (!notebook || !Array.isArray(cells)) return jsonParser.parse(text, { ...input, mimeType: 'application/json' });
    const language = notebook.metadata?.language_info?.name ?? notebook.metadata?.kernelspec?.language ?? '';
    const blocks: string[] = [];
    let images = 0;
    for (const cell of cells as readonly Cell[]) {
      blocks.push(writeCell(cell, language));
      for (const output of cell.outputs ?? []) {
        blocks.push(writeOutput(output));
        if (Object.keys(output.data ?? {}).some((type) => type.startsWith('image/'))) images += 1;
      }
    }
    const detail = `Images that the code drew are not read: ${images}.`;
    const warnings: DocumentWarning[] = images > 0 ? [{ code: 'skipped_image', detail }] : [];
    const body = blocks.filter((block) => block.trim() !== '').join('\n\n');
    const title = notebook.metadata?.title ?? /^#{1,2} +(.+?)[ #]*$/m.exec(body.slice(0, 16_384))?.[1] ?? null;
    const facts = { language: null, pages: [], boundaries: null };
    return {
      text: body === '' ? '' : `${body}\n`,
      format: 'markdown',
      mimeType: input.mimeType,
      title,
      ...facts,
      warnings,
    };
  },
};

function readNotebook(text: string): Notebook | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function writeCell(cell: Cell, language: string): string {
  const source = join(cell.source ?? cell.input).trimEnd();
  if (cell.cell_type === 'code') return fence(source, cell.language ?? language);
  return cell.cell_type === 'heading' ? `${'#'.repeat(cell.level ?? 1)} ${source}` : source;
}

function writeOutput(output: Output): string {
  if (output.output_type === 'error' || output.output_type === 'pyerr') {
    return fence(`${output.ename ?? 'Error'}: ${output.evalue ?? ''}`, 'text');
  }
  const { 'text/markdown': markdown, 'text/plain': text, 'text/html': html, ...others } = output.data ?? {};
  const latex = others['text/latex'] ?? output.latex;
  if (markdown !== undefined) return join(markdown as Source).trimEnd();
  const plain = join(output.text ?? (text as Source)).trimEnd();
  if (plain !== '' && !nameOfObject.test(plain)) return fence(plain, 'text');
  const page = join((html ?? output.html) as Source);
  if (page !== '') return htmlFragmentText(page).trimEnd();
  if (latex !== undefined) return join(latex as Source).trimEnd();
  const json = others['application/json'];
  return json === undefined ? fence(plain, 'text') : fence(JSON.stringify(json, null, 2), 'json');
}

function fence(text: string, language: string): string {
  // Colours of a terminal are no text.
  const plain = text.replaceAll(/\p{Cc}\[[\d;]*[A-Za-z]/gu, '');
  if (plain.trim() === '') return '';
  const longest = Math.max(2, ...[...plain.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${plain}\n${ticks}`;
}

function join(source: Source): string {
  return typeof source === 'string' ? source : Array.isArray(source) ? source.join('') : '';
}
