import { childOf, descendantsOf, elementsOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';

/** A shape of a slide and where it stands, in English Metric Units. */
interface PlacedShape {
  readonly shape: XmlElement;
  readonly place: { readonly left: number; readonly top: number; readonly height: number } | null;
}

const shapeNames = new Set(['p:sp', 'p:grpSp', 'p:graphicFrame', 'p:pic', 'p:contentPart']);

// Damaged files can nest groups without end.
const deepestGroup = 50;

/** The role of a shape that stands in for one of the slide's layout, such as `title`; null for any other shape. */
export function placeholderOf(shape: XmlElement): XmlElement | null {
  const properties = elementsOf(shape).find(({ name }) => /^p:nv\w*Pr$/.test(name));
  return childOf(childOf(properties, 'p:nvPr'), 'p:ph') ?? null;
}

/**
 * The shapes of a slide in the order in which one reads them: from top to bottom, and from left to right where they
 * stand beside each other. Shapes whose place is not known keep their order. Groups are read as a whole.
 */
export function shapesInOrder(tree: XmlElement, layout: XmlElement | null, depth = 0): XmlElement[] {
  const shapes = [...shapesOf(tree)].map((shape): PlacedShape => ({ shape, place: placeOf(shape, layout) }));
  const ordered = shapes.every(({ place }) => place !== null) ? inRows(shapes) : shapes;
  return ordered.flatMap(({ shape }) => {
    if (shape.name !== 'p:grpSp') return [shape];
    return depth < deepestGroup ? shapesInOrder(shape, layout, depth + 1) : [];
  });
}

function* shapesOf(tree: XmlElement): Generator<XmlElement> {
  for (const child of elementsOf(tree)) {
    if (shapeNames.has(child.name)) yield child;
    else if (child.name === 'mc:AlternateContent') {
      const chosen = childOf(child, 'mc:Choice') ?? childOf(child, 'mc:Fallback');
      if (chosen) yield* shapesOf(chosen);
    }
  }
}

function inRows(shapes: readonly PlacedShape[]): PlacedShape[] {
  const byTop = [...shapes].sort((a, b) => (a.place?.top ?? 0) - (b.place?.top ?? 0));
  const rows: PlacedShape[][] = [];
  for (const shape of byTop) {
    const row = rows.at(-1);
    if (row !== undefined && standBeside(row[0], shape)) row.push(shape);
    else rows.push([shape]);
  }
  return rows.flatMap((row) => row.sort((a, b) => (a.place?.left ?? 0) - (b.place?.left ?? 0)));
}

// Each reaches beyond the other's middle: a caption that only touches the picture above it does not stand beside it.
function standBeside(first: PlacedShape | undefined, second: PlacedShape): boolean {
  const [a, b] = [first?.place, second.place];
  if (!a || !b) return false;
  return b.top <= a.top + a.height / 2 && a.top + a.height >= b.top + b.height / 2;
}

function placeOf(shape: XmlElement, layout: XmlElement | null): PlacedShape['place'] {
  const properties = childOf(shape, 'p:spPr') ?? childOf(shape, 'p:grpSpPr');
  const transform = childOf(shape, 'p:xfrm') ?? childOf(properties, 'a:xfrm');
  const offset = childOf(transform, 'a:off')?.attributes;
  const extent = childOf(transform, 'a:ext')?.attributes;
  if (offset === undefined) return layout === null ? null : placeInLayout(shape, layout);
  return { left: Number(offset['x']) || 0, top: Number(offset['y']) || 0, height: Number(extent?.['cy']) || 0 };
}

function placeInLayout(shape: XmlElement, layout: XmlElement): PlacedShape['place'] {
  const wanted = placeholderOf(shape)?.attributes;
  if (wanted === undefined) return null;
  for (const candidate of descendantsOf(layout, 'p:sp')) {
    const found = placeholderOf(candidate)?.attributes;
    if (found === undefined) continue;
    const same = wanted['idx'] === undefined ? found['type'] === wanted['type'] : found['idx'] === wanted['idx'];
    if (same) return placeOf(candidate, null);
  }
  return null;
}
