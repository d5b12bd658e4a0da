import { strengths } from './text-structure.ts';
import type { PlaceList } from './place-list.ts';
import type { Block, CodeBoundary, Heading } from './text-structure.ts';

const deepestIndentation = 5;
const closingLine = /^[\])}>]|^(?:end|else|elif|elsif|except|finally|fi|done|esac|then)\b|^<\//;

/** Adds the begin of a line of code: better the less it is indented and after a blank line, bad where it closes a block. */
export function markCodeLine(places: PlaceList, line: { start: number; text: string; afterBlank: boolean }): void {
  const code = line.text.trimStart();
  const indentation = line.text.slice(0, line.text.length - code.length);
  const depth = Math.min(deepestIndentation, Math.ceil(indentation.replaceAll('\t', '    ').length / 4));
  if (closingLine.test(code)) places.mark(line.start, strengths.wrappedLine);
  else if (line.afterBlank) places.mark(line.start, depth === 0 ? strengths.block : strengths.listItem + 5 - depth);
  else places.mark(line.start, strengths.line + deepestIndentation - depth);
}

/** Lays the places that syntax gives over those that lines give: where both name one, syntax decides. */
export function mergeBoundaries(
  lines: { positions: readonly number[]; values: readonly number[] },
  boundaries: readonly CodeBoundary[],
): { positions: number[]; values: number[] } {
  const merged = { positions: [] as number[], values: [] as number[] };
  let line = 0;
  const takeLines = (before: number) => {
    for (; line < lines.positions.length && lines.positions[line]! < before; line += 1) {
      merged.positions.push(lines.positions[line]!);
      merged.values.push(lines.values[line]!);
    }
  };
  for (const { position, strength } of boundaries) {
    takeLines(position);
    if (lines.positions[line] === position) line += 1;
    if (merged.positions.at(-1) === position) merged.values[merged.values.length - 1] = strength;
    else {
      merged.positions.push(position);
      merged.values.push(strength);
    }
  }
  takeLines(Number.POSITIVE_INFINITY);
  return merged;
}

/** The headings that boundaries name, and the parts from each to where the next of its level or above begins. */
export function boundaryParts(
  boundaries: readonly CodeBoundary[],
  end: number,
): { headings: Heading[]; blocks: Block[] } {
  const headings = boundaries.flatMap(({ position, heading }) => (heading ? [{ position, ...heading }] : []));
  const ends: number[] = headings.map(() => end);
  const open: number[] = [];
  for (const [index, heading] of headings.entries()) {
    while (open.length > 0 && headings[open.at(-1)!]!.level >= heading.level) ends[open.pop()!] = heading.position;
    open.push(index);
  }
  const blocks = headings.map(({ position }, index) => ({ start: position, end: ends[index]! }));
  return { headings, blocks: blocks.filter((_, index) => headings[index]!.title !== '') };
}
