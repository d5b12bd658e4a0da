import { markdownTable } from '../markdown-table.ts';
import { childOf, descendantsOf, elementsOf, textOf } from './xml-element.ts';
import type { XmlElement } from './xml-element.ts';

/** What a chart says: its title, and its series as a table with a row for each category. */
export function chartText(root: XmlElement): string {
  const title = [...descendantsOf(root, 'c:title')][0];
  const series = [...descendantsOf(root, 'c:ser')];
  const categories = series.map((entry) => points(childOf(entry, 'c:cat') ?? childOf(entry, 'c:xVal')));
  const values = series.map((entry) => points(childOf(entry, 'c:val') ?? childOf(entry, 'c:yVal')));
  const names = series.map((entry) => points(childOf(entry, 'c:tx')).get(0) ?? '');
  const rows = [...new Set([...categories, ...values].flatMap((entry) => [...entry.keys()]))].sort((a, b) => a - b);
  const table = markdownTable([
    ['', ...names],
    ...rows.map((row) => [
      categories.find((entry) => entry.has(row))?.get(row) ?? '',
      ...values.map((entry) => entry.get(row) ?? ''),
    ]),
  ]);
  return [title === undefined ? '' : drawingText(title), table].filter((text) => text !== '').join('\n\n');
}

/** The labels of a diagram (SmartArt), each on a line. */
export function diagramText(root: XmlElement): string {
  const labels = [...descendantsOf(root, 'dgm:pt')].map((point) => drawingText(point).replaceAll(/\s+/g, ' ').trim());
  return labels
    .filter((label) => label !== '')
    .map((label) => `- ${label}`)
    .join('\n');
}

/** The paragraphs of text in a drawing, each on a line. */
export function drawingText(element: XmlElement): string {
  const paragraphs = [...descendantsOf(element, 'a:p')].map((paragraph) =>
    [...descendantsOf(paragraph, 'a:t')].map(textOf).join(''),
  );
  return paragraphs.filter((text) => text.trim() !== '').join('\n');
}

function points(element: XmlElement | undefined): Map<number, string> {
  const found = new Map<number, string>();
  for (const point of element ? descendantsOf(element, 'c:pt') : []) {
    const value = childOf(point, 'c:v');
    const index = Number(point.attributes['idx'] ?? found.size);
    if (value) found.set(index, textOf(value));
  }
  const direct = element && elementsOf(element).find(({ name }) => name === 'c:v');
  if (direct && found.size === 0) found.set(0, textOf(direct));
  return found;
}
