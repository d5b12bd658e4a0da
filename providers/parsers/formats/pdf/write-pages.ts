import type { MarkdownWriter } from '../markdown-writer.ts';
import { buildRows } from './collect-segments.ts';
import type { PageAnnotations } from './form-fields.ts';
import { addWords, joinLine } from './join-text.ts';
import { orderColumns } from './order-columns.ts';
import { pageBlocks } from './page-blocks.ts';
import type { PageBlock } from './page-blocks.ts';
import type { PageContent, TextRun } from './page-run.ts';
import { dropRunningLines } from './running-lines.ts';
import { findTextStyle } from './text-style.ts';

/** A page and what annotations add to it. */
export interface ReadPage extends PageContent {
  readonly annotations: PageAnnotations;
}

/**
 * Writes pages in reading order. A paragraph that goes on in the next column or on the next page stays one.
 * @returns the first heading of the highest level on the first page, which a reader takes for the title.
 */
export function writePages(pages: readonly ReadPage[], writer: MarkdownWriter): string | null {
  const { segments, runningLines } = dropRunningLines(pages);
  const style = findTextStyle(allRuns(segments));
  const words = new Set<string>();
  for (const run of allRuns(segments)) addWords(run.text, words);
  let title: PageBlock | null = null;
  let open: PageBlock | null = null;
  for (const [index, page] of pages.entries()) {
    const { upright = [], turned = [] } = Object.groupBy(segments[index] ?? [], (run) =>
      run.turned ? 'turned' : 'upright',
    );
    const regions = [...orderColumns(upright), ...orderColumns(turned)];
    const blocks = regions.flatMap((region) => pageBlocks(buildRows(region), style, words));
    if (index === 0) title = highestHeading(blocks);
    writer.openPage(page.number);
    if (index === 0) writer.block(runningLines.join('\n'));
    for (const block of blocks) {
      if (open !== null && goesOn(open, block)) {
        // Only the join is known to the writer: what it adds between the two is what a line's end would be.
        const joined = joinLine(open.text, block.text, words);
        const added = joined.length - block.text.length - open.text.trimEnd().length;
        writer.continueBlock(block.text, added);
      } else writeBlock(block, writer);
      open = block;
    }
    for (const field of page.annotations.fields) writer.item(`- ${field}`);
    for (const note of page.annotations.notes) writer.block(note);
    if (page.annotations.fields.length + page.annotations.notes.length > 0) open = null;
  }
  return title?.text.replaceAll(/\s+/g, ' ') ?? null;
}

function writeBlock({ kind, text, level }: PageBlock, writer: MarkdownWriter): void {
  if (kind === 'heading') writer.heading(level, text);
  else if (kind === 'item') writer.item(text.replaceAll('\n', ' '));
  else if (kind === 'code') writer.block(`\`\`\`\n${text}\n\`\`\``);
  else writer.block(text);
}

function goesOn(before: PageBlock, after: PageBlock): boolean {
  if (after.kind !== 'text' || (before.kind !== 'text' && before.kind !== 'item')) return false;
  if (before.text.endsWith(',') && /^[\p{Ll}\p{N}(]/u.test(after.text)) return true;
  return /[\p{L}\p{N}\-\u00ad\u2010]$/u.test(before.text.trimEnd()) && /^\p{Ll}/u.test(after.text);
}

function highestHeading(blocks: readonly PageBlock[]): PageBlock | null {
  return blocks
    .filter(({ kind }) => kind === 'heading')
    .reduce<PageBlock | null>((best, block) => (best === null || block.level < best.level ? block : best), null);
}

function* allRuns(segments: readonly (readonly TextRun[])[]): Generator<TextRun> {
  for (const page of segments) yield* page;
}
