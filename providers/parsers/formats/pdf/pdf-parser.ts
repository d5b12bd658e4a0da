import type { PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist';
import { PerdureError } from '../../../../contracts/errors.ts';
import { countOf } from '../../../../contracts/names/count-of.ts';
import type { DocumentWarning } from '../../../../contracts/names/document-warnings.ts';
import type { BytesParser, ParsedDocument, ParseInput } from '../../document-parser.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import { readAnnotations } from './form-fields.ts';
import { findImagePages } from './find-image-pages.ts';
import { openPdf } from './open-pdf.ts';
import { readPage } from './read-page.ts';
import type { FontFacts } from './read-page.ts';
import { writePages } from './write-pages.ts';
import type { ReadPage } from './write-pages.ts';

// A damaged file can claim any number of pages; so many unreadable ones after each other are none.
const mostFailures = 50;

/**
 * PDF (ISO 32000): text in reading order with paragraphs, headings by size, lists and aligned tables, page starts, and the
 * values of forms. Damaged files are read as far as possible, which a warning says. Pages without a text layer are named
 * in a warning; if there is no other page, the document fails with `no_text_layer`.
 */
export const pdfParser: BytesParser = {
  reads: 'bytes',
  async parse(bytes, input) {
    const document = await openPdf(bytes, { password: input.password, skipImages: true });
    try {
      return await parseOpen(document, bytes, input);
    } finally {
      await document.loadingTask.destroy();
    }
  },
};

async function parseOpen(document: PDFDocumentProxy, bytes: Uint8Array, input: ParseInput): Promise<ParsedDocument> {
  const { pages, failed } = await readPages(document);
  if (pages.length === 0) {
    throw new PerdureError('document_corrupt', 'None of the pages of the PDF can be read.');
  }
  const writer = new MarkdownWriter(input.limits.outputCharacters);
  const firstHeading = writePages(pages, writer);
  const blank = pages.filter(
    ({ runs, annotations }) => runs.length + annotations.fields.length + annotations.notes.length === 0,
  );
  const images = await findImagePages(
    bytes,
    input.password,
    blank.map(({ number }) => number),
  );
  if (writer.isEmpty() && images.length > 0) {
    throw new PerdureError(
      'no_text_layer',
      `The PDF shows its ${countOf(pages.length, 'page')} as images and has no text layer. Recognise its text first (OCR) and send the result.`,
    );
  }
  const facts = await readFacts(document);
  return {
    text: writer.text(),
    format: 'markdown',
    mimeType: input.mimeType,
    title: facts.title ?? firstHeading,
    language: facts.language,
    pages: writer.pages,
    boundaries: null,
    warnings: [
      ...pageWarning('unreadable_part', 'Pages that cannot be read', failed),
      ...pageWarning('partial_text', 'Pages that are images without a text layer', images),
      ...attachmentWarning([...facts.attachments, ...pages.flatMap(({ annotations }) => annotations.files)]),
    ],
  };
}

async function readPages(document: PDFDocumentProxy): Promise<{ pages: ReadPage[]; failed: number[] }> {
  const fonts = new Map<string, FontFacts>();
  const pages: ReadPage[] = [];
  const failed: number[] = [];
  let failures = 0;
  for (let number = 1; number <= document.numPages && failures < mostFailures; number += 1) {
    let page: PDFPageProxy | null = null;
    try {
      page = await document.getPage(number);
      const content = await readPage(page, fonts);
      const annotations = await readAnnotations(page).catch(() => ({ fields: [], notes: [], files: [] }));
      pages.push({ ...content, annotations });
      failures = 0;
    } catch {
      failed.push(number);
      failures += 1;
    }
    page?.cleanup();
  }
  return { pages, failed };
}

async function readFacts(document: PDFDocumentProxy) {
  const metadata = await document.getMetadata().catch(() => null);
  const info = (metadata?.info ?? {}) as { Title?: unknown; Language?: unknown };
  const attachments = (await document.getAttachments().catch(() => null)) as
    | Map<string, { filename: string }>
    | Record<string, { filename: string }>
    | null;
  const files = attachments instanceof Map ? [...attachments.values()] : Object.values(attachments ?? {});
  const title = typeof info.Title === 'string' ? info.Title.replaceAll(/\s+/g, ' ').trim() : '';
  return {
    // Programs put the name of the file there.
    title:
      title === '' || /^(?:untitled|\(?anonymous\)?$|microsoft (?:word|powerpoint)|.*\.\w{2,4}$)/i.test(title)
        ? null
        : title,
    language:
      typeof info.Language === 'string' ? (/^[a-z]{2}(?=-|$)/i.exec(info.Language)?.[0].toLowerCase() ?? null) : null,
    attachments: files.map(({ filename }) => filename),
  };
}

function pageWarning(code: DocumentWarning['code'], what: string, numbers: readonly number[]): DocumentWarning[] {
  if (numbers.length === 0) return [];
  const listed = numbers.slice(0, 20).join(', ');
  const more = numbers.length > 20 ? ` and ${numbers.length - 20} more` : '';
  return [{ code, detail: `${what}: ${listed}${more}.` }];
}

function attachmentWarning(names: readonly string[]): DocumentWarning[] {
  const distinct = [...new Set(names)];
  if (distinct.length === 0) return [];
  const listed = distinct.slice(0, 10).join(', ');
  const detail = `Attached files are not read: ${listed}. Send them as documents of their own.`;
  return [{ code: 'skipped_attachment', detail }];
}
