import { markdownTable } from '../markdown-table.ts';
import { nodeTypes } from './html-dom.ts';
import type { HtmlElement, HtmlNode } from './html-dom.ts';

/** A table of data as Markdown, with what its caption says. */
export interface HtmlTable {
  readonly caption: string;
  readonly markdown: string;
}

// Wider spans and longer cells are those of pages laid out by tables.
const widestSpan = 100;
const longestCell = 600;
const blocksInLayout = 'table,h1,h2,h3,h4,h5,h6,pre,blockquote,form,article,section';

/** The table, or null if it only lays out the page: its cells are then read one after the other. */
export function dataTable(table: HtmlElement): HtmlTable | null {
  const rows = [...table.querySelectorAll('tr')].filter((row) => row.closest('table') === table);
  const cells = rows.map((row) => [...row.children].filter(({ nodeName }) => /^T[DH]$/i.test(nodeName)));
  const filled = cells.map((row) => row.filter((cell) => textOf(cell) !== ''));
  if (table.getAttribute('role') === 'presentation' || filled.every((row) => row.length < 2)) return null;
  const all = filled.flat();
  const layout = all.some((cell) => cell.querySelector(blocksInLayout) !== null || textOf(cell).length > longestCell);
  if (layout) return null;
  const caption = table.querySelector('caption');
  return { caption: caption === null ? '' : textOf(caption), markdown: markdownTable(gridOf(cells).map(joinSigns)) };
}

/** The texts of the cells at their places: what spans several columns or rows stands in the first of them. */
function gridOf(rows: readonly (readonly HtmlElement[])[]): string[][] {
  const grid: string[][] = [];
  /** How many more rows each column is covered by a cell from above. */
  const covered: number[] = [];
  for (const row of rows) {
    const texts: string[] = [];
    const skipCovered = (): void => {
      while ((covered[texts.length] ?? 0) > 0) {
        covered[texts.length] = (covered[texts.length] ?? 0) - 1;
        texts.push('');
      }
    };
    for (const cell of row) {
      skipCovered();
      const [columns, below] = [spanOf(cell, 'colspan'), spanOf(cell, 'rowspan') - 1];
      for (let index = 0; index < columns; index += 1) {
        covered[texts.length] = below;
        texts.push(index === 0 ? textOf(cell) : '');
      }
    }
    skipCovered();
    grid.push(texts);
  }
  return grid;
}

/** Reports put a currency's sign, a bracket or a per cent sign into a cell of its own, beside the figure it belongs to. */
function joinSigns(row: readonly string[]): string[] {
  const joined = [...row];
  for (const [index, text] of row.entries()) {
    if (/^[$€£¥(]+$/.test(text)) {
      const next = joined.findIndex((cell, at) => at > index && cell !== '');
      if (next > index && next <= index + 2) {
        joined[next] = `${text}${joined[next] ?? ''}`;
        joined[index] = '';
      }
    } else if (/^[)%]+$/.test(text)) {
      const previous = joined.findLastIndex((cell, at) => at < index && cell !== '');
      if (previous >= 0 && index - previous <= 2) {
        joined[previous] = `${joined[previous] ?? ''}${text}`;
        joined[index] = '';
      }
    }
  }
  return joined;
}

function spanOf(cell: HtmlElement, name: string): number {
  const span = Number(cell.getAttribute(name) ?? 1);
  return Number.isInteger(span) ? Math.min(Math.max(span, 1), widestSpan) : 1;
}

function textOf(element: HtmlElement): string {
  return readable(element)
    .replaceAll(/[\s\u00a0]+/g, ' ')
    .trim();
}

// Where a browser begins a line, words are apart.
function readable(node: HtmlNode): string {
  if (node.nodeType === nodeTypes.text) return node.textContent ?? '';
  const text = [...node.childNodes].map(readable).join('');
  return /^(?:BR|P|DIV|LI|TR)$/i.test(node.nodeName) ? ` ${text} ` : text;
}
