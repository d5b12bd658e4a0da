import { PerdureError } from '../../../../contracts/errors.ts';
import type { DocumentWarning } from '../../../../contracts/names/document-warnings.ts';
import type { BytesParser } from '../../document-parser.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import { embeddedWarnings } from '../office/embedded-warnings.ts';
import { OfficePackage } from '../office/office-package.ts';
import { childOf, elementsOf, parseXml } from '../office/xml-element.ts';
import { writeSlide } from './pptx-slide.ts';

/**
 * Presentations (ISO/IEC 29500-1, 19): each slide is a page that begins with its title, and holds the text of its shapes
 * in reading order, tables, charts, diagrams, notes and comments. A slide that cannot be read is named in a warning.
 */
export const pptxParser: BytesParser = {
  reads: 'bytes',
  parse(bytes, { mimeType, limits }) {
    const office = new OfficePackage(bytes, limits);
    const writer = new MarkdownWriter(limits.outputCharacters);
    const slides = slideParts(office);
    const written = new Set<string>();
    const unreadable: string[] = [];
    let pictures = 0;
    let firstTitle: string | null = null;
    for (const [index, part] of slides.entries()) {
      try {
        const facts = writeSlide(office, part, index + 1, { writer, written });
        pictures += facts.pictures;
        firstTitle ??= facts.title;
      } catch (error) {
        if (error instanceof PerdureError && error.code === 'parser_output_too_large') throw error;
        unreadable.push(String(index + 1));
      }
    }
    if (slides.length > 0 && unreadable.length === slides.length) {
      throw new PerdureError('document_corrupt', 'None of the slides of the presentation can be read.');
    }
    const { title, language } = office.properties();
    return {
      text: writer.text(),
      format: 'markdown',
      mimeType,
      title: (title !== null && !/^PowerPoint Presentation$/i.test(title) && title) || firstTitle,
      language,
      pages: writer.pages,
      boundaries: null,
      warnings: [...warningsOf(unreadable, pictures), ...embeddedWarnings(office)],
    };
  },
};

/** The parts of the slides in the order of the presentation; where that is damaged, in the order of their names. */
function slideParts(office: OfficePackage): string[] {
  const main = office.related('', 'officeDocument') ?? 'ppt/presentation.xml';
  const targets = new Map(office.relationships(main).map(({ id, target }) => [id, target]));
  const presentation = office.bytes(main);
  const list = presentation === null ? undefined : childOf(parseXml(presentation), 'p:sldIdLst');
  const listed = (list ? elementsOf(list) : []).flatMap(
    ({ attributes }) => targets.get(attributes['r:id'] ?? '') ?? [],
  );
  if (listed.length > 0) return listed;
  const named = office.names().filter((name) => /(?:^|[\\/])slides[\\/]slide\d+\.xml$/i.test(name));
  return named.sort((a, b) => Number(/\d+(?=\.xml$)/i.exec(a)?.[0]) - Number(/\d+(?=\.xml$)/i.exec(b)?.[0]));
}

function warningsOf(unreadable: readonly string[], pictures: number): DocumentWarning[] {
  const warnings: DocumentWarning[] = [];
  if (unreadable.length > 0) {
    warnings.push({ code: 'unreadable_part', detail: `Slides that cannot be read: ${unreadable.join(', ')}.` });
  }
  if (pictures > 0) {
    warnings.push({ code: 'skipped_image', detail: `Pictures are not read: ${pictures} without a description.` });
  }
  return warnings;
}
