import type { PDFPageProxy } from 'pdfjs-dist';
import type { TextItem } from 'pdfjs-dist/types/src/display/api.js';
import type { PageContent, TextRun } from './page-run.ts';

type Matrix = readonly [number, number, number, number, number, number];

/** What is known of a font by its name. */
export interface FontFacts {
  readonly bold: boolean;
  readonly monospaced: boolean;
}

interface TurnedRun extends TextRun {
  /** In quarter turns, clockwise, from upright text. */
  readonly turn: number;
}

// Naming a font costs as much as reading a page; more fonts are those of formulas and drawings.
const mostFonts = 60;
// Points and brackets as they look in vertical lines; nobody who searches writes them so.
const formsOfVertical = /[\uFE10-\uFE19\uFE31-\uFE44\uFE47\uFE48]/g;

/**
 * Reads a page's text. Text that is turned comes after the upright one, as if the page were turned for it.
 * @param fonts what is known of the document's fonts so far; those of this page are added.
 */
export async function readPage(page: PDFPageProxy, fonts: Map<string, FontFacts>): Promise<PageContent> {
  const viewport = page.getViewport({ scale: 1 });
  const { items, styles } = await page.getTextContent();
  const names = Object.keys(styles);
  // Names of fonts become known with the list of operators.
  if (fonts.size < mostFonts && names.some((name) => !fonts.has(name))) {
    await page.getOperatorList();
    for (const name of names) fonts.set(name, fontFacts(page, name, styles[name]?.fontFamily));
  }
  const runs: TurnedRun[] = [];
  const drawn = new Map<string, TurnedRun[]>();
  for (const item of items) {
    if (!('str' in item) || item.str === '') continue;
    const font = fonts.get(item.fontName) ?? { bold: false, monospaced: false };
    const vertical = styles[item.fontName]?.vertical === true;
    const run = toRun(item, { ...font, vertical }, viewport.transform as unknown as Matrix);
    if (run === null || isDrawnAgain(run, drawn)) continue;
    runs.push(run);
  }
  return { number: page.pageNumber, height: viewport.height, runs: stackTurns(runs) };
}

// In heights of the font: letters are made bold, or given a shadow, by drawing them twice with so small a shift.
const redrawnWithin = 0.12;

/** Whether the same text was drawn in the same place before; notes it otherwise. */
function isDrawnAgain(run: TurnedRun, drawn: Map<string, TurnedRun[]>): boolean {
  if (run.text.trim() === '') return false;
  const before = drawn.get(run.text);
  if (before === undefined) drawn.set(run.text, [run]);
  const near = (a: number, b: number) => Math.abs(a - b) < redrawnWithin * run.size;
  if (
    before?.some((other) => other.turn === run.turn && near(other.left, run.left) && near(other.baseline, run.baseline))
  )
    return true;
  before?.push(run);
  return false;
}

function toRun(item: TextItem, font: FontFacts & { vertical: boolean }, viewport: Matrix): TurnedRun | null {
  const [a, b, c, d, x, y] = multiply(viewport, item.transform as unknown as Matrix);
  const size = Math.hypot(c, d) || Math.hypot(a, b);
  const length = Math.abs(font.vertical ? item.height : item.width);
  if (![a, b, x, y, size, length].every(Number.isFinite) || size < 0.1) return null;
  const { bold, monospaced, vertical } = font;
  const facts = {
    text: font.vertical ? item.str.replaceAll(formsOfVertical, (mark) => mark.normalize('NFKC')) : item.str,
    size,
    bold,
    monospaced,
    rightToLeft: item.dir === 'rtl',
    turned: false,
  };
  // Vertical writing runs down, its lines from right to left.
  const turn = vertical ? 1 : (Math.round(Math.atan2(b, a) / (Math.PI / 2)) + 4) % 4;
  const [left, baseline] = [
    [x, y],
    [y, -x],
    [-x, -y],
    [-y, x],
  ][turn] as [number, number];
  return { ...facts, turn, left, right: left + length, baseline };
}

/** The runs of each direction one below the other, the most frequent direction first. */
function stackTurns(runs: readonly TurnedRun[]): TextRun[] {
  const groups = [...Map.groupBy(runs, ({ turn }) => turn).values()].sort((a, b) => b.length - a.length);
  const placed: TextRun[] = [];
  let floor = 0;
  for (const [index, group] of groups.entries()) {
    const top = group.reduce((least, run) => Math.min(least, run.baseline - run.size), Number.POSITIVE_INFINITY);
    const shift = index === 0 && group[0]?.turn === 0 ? 0 : floor + 40 - top;
    for (const run of group) {
      placed.push({ ...run, turned: index > 0, baseline: run.baseline + shift });
      floor = Math.max(floor, run.baseline + shift);
    }
  }
  return placed;
}

function fontFacts(page: PDFPageProxy, id: string, family: string | undefined): FontFacts {
  const font = page.commonObjs.has(id) ? (page.commonObjs.get(id) as { name?: string } | null) : null;
  const name = font?.name ?? '';
  return {
    bold: /bold|black|heavy|demi/i.test(name),
    monospaced: family === 'monospace' || /mono|courier|consolas|typewriter/i.test(name),
  };
}

function multiply(m: Matrix, n: Matrix): Matrix {
  return [
    m[0] * n[0] + m[2] * n[1],
    m[1] * n[0] + m[3] * n[1],
    m[0] * n[2] + m[2] * n[3],
    m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4],
    m[1] * n[4] + m[3] * n[5] + m[5],
  ];
}
