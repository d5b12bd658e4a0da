import { PerdureError } from '../../contracts/errors.ts';
import { documentTypeOf } from '../../domain/documents/media-types.ts';
import type { MediaType } from '../../domain/documents/media-types.ts';
import type { DocumentParser } from './document-parser.ts';

// Loaded when a document of their type comes: a process that reads Markdown need not hold a PDF library.
const loaders: Partial<Record<MediaType, () => Promise<DocumentParser>>> = {
  'text/plain': async () => (await import('./text-parser.ts')).textParser,
  'text/markdown': async () => (await import('./markdown-parser.ts')).markdownParser,
  'text/x-source': async () => (await import('./code/code-parser.ts')).codeParser,
  'text/csv': async () => (await import('./data/csv-parser.ts')).csvParser,
  'text/tab-separated-values': async () => (await import('./data/csv-parser.ts')).csvParser,
  'application/json': async () => (await import('./data/json-parser.ts')).jsonParser,
  'application/x-ndjson': async () => (await import('./data/json-parser.ts')).jsonParser,
  'application/x-ipynb+json': async () => (await import('./data/notebook-parser.ts')).notebookParser,
  'application/xml': async () => (await import('./data/xml-parser.ts')).xmlParser,
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': async () =>
    (await import('./formats/docx/docx-parser.ts')).docxParser,
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': async () =>
    (await import('./formats/pptx/pptx-parser.ts')).pptxParser,
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': async () =>
    (await import('./formats/xlsx/xlsx-parser.ts')).xlsxParser,
  'message/rfc822': async () => (await import('./formats/mail/mail-parser.ts')).mailParser,
  'application/rtf': async () => (await import('./formats/rtf/rtf-parser.ts')).rtfParser,
  'application/pdf': async () => (await import('./formats/pdf/pdf-parser.ts')).pdfParser,
  'application/x-encrypted-office': async () =>
    (await import('./formats/encrypted-office/encrypted-office-unwrapper.ts')).encryptedOfficeUnwrapper,
  'text/html': async () => (await import('./formats/html/html-article-parser.ts')).htmlArticleParser,
};

/**
 * Loads the parser of a media type of `documentTypeOf`.
 * @throws PerdureError `unsupported_media_type` if there is none.
 */
export async function findParser(mimeType: string): Promise<DocumentParser> {
  const load = loaders[mimeType as MediaType];
  if (load) return load();
  const known = [...new Set(Object.values(documentTypeOf).filter((type) => type !== null))].join(', ');
  throw new PerdureError(
    'unsupported_media_type',
    `Documents of type ${mimeType} cannot be read; these can: ${known}.`,
  );
}
