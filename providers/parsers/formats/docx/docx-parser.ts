import type { DocumentWarning } from '../../../../contracts/names/document-warnings.ts';
import type { PageStart } from '../../../../domain/chunking/text-structure.ts';
import type { BytesParser } from '../../document-parser.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import { embeddedWarnings } from '../office/embedded-warnings.ts';
import { OfficePackage } from '../office/office-package.ts';
import { childOf, descendantsOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import { isOn } from './docx-inline.ts';
import { writeBlocks } from './docx-blocks.ts';
import { openDocxContext } from './docx-context.ts';
import type { DocxContext } from './docx-context.ts';

// Most characters that a page holds: breaks further apart leave out pages, and all numbers after them would be wrong.
const fullestPage = { rendered: 15_000, explicit: 4_000 };

/**
 * Word documents (ISO/IEC 29500-1, 17): the body in order, with headings by style or outline level, lists with their
 * numbers, tables, text boxes, equations, and notes and comments after the paragraph that mentions them. Headers come
 * once before the body, footers once after it. Pages are those of Word's last layout, where the file has it.
 */
export const docxParser: BytesParser = {
  reads: 'bytes',
  parse(bytes, { mimeType, limits }) {
    const office = new OfficePackage(bytes, limits);
    const { part, root } = office.main('word/document.xml');
    const writer = new MarkdownWriter(limits.outputCharacters);
    const context = openDocxContext(office, part, root, writer);
    if (context.pageKind !== null) writer.openPage(1);
    writeMarginals(root, context, 'header');
    writeBlocks(childOf(root, 'w:body') ?? root, context, writer);
    writeMarginals(root, context, 'footer');
    const { title, language } = office.properties();
    return {
      text: writer.text(),
      format: 'markdown',
      mimeType,
      title: title ?? context.title,
      language,
      pages: trustedPages(writer, context),
      boundaries: null,
      warnings: [...warningsOf(context), ...embeddedWarnings(office)],
    };
  },
};

function trustedPages(writer: MarkdownWriter, { pageKind }: DocxContext): PageStart[] {
  if (pageKind === null) return [];
  const end = writer.text().length;
  const fits = writer.pages.every(({ start }, index) => {
    return (writer.pages[index + 1]?.start ?? end) - start <= fullestPage[pageKind];
  });
  return fits ? writer.pages : [];
}

/** Each different header or footer that is shown on some page, once. */
function writeMarginals(root: XmlElement, context: DocxContext, kind: 'header' | 'footer'): void {
  const settings = context.office.xml('word/settings.xml') ?? undefined;
  const evenPagesDiffer = isOn(settings, 'w:evenAndOddHeaders');
  const written = new Set<string>();
  for (const section of descendantsOf(root, 'w:sectPr')) {
    for (const reference of descendantsOf(section, `w:${kind}Reference`)) {
      const type = reference.attributes['w:type'];
      if ((type === 'first' && !isOn(section, 'w:titlePg')) || (type === 'even' && !evenPagesDiffer)) continue;
      const target = context.relationships.get(reference.attributes['r:id'] ?? '')?.target;
      const marginal = target === undefined ? null : context.office.xml(target);
      if (marginal === null) continue;
      const collected = new MarkdownWriter(Number.POSITIVE_INFINITY);
      writeBlocks(marginal, context, collected);
      const text = collected.text().trim();
      if (text === '' || written.has(text)) continue;
      written.add(text);
      context.writer.block(text);
    }
  }
}

function warningsOf(context: DocxContext): DocumentWarning[] {
  const warnings: DocumentWarning[] = [];
  if (context.pictures > 0) {
    warnings.push({
      code: 'skipped_image',
      detail: `Pictures are not read: ${context.pictures} without a description.`,
    });
  }
  if (context.unreadable.size > 0) {
    warnings.push({ code: 'unreadable_part', detail: `Not read: ${[...context.unreadable].join(', ')}.` });
  }
  return warnings;
}
