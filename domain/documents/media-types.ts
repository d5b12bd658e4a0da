import type { DocumentType } from '../../contracts/names/document-types.ts';

/** The document types of what can be read, by media type; each has only one name here. */
export const documentTypeOf = {
  'text/plain': 'text',
  'text/markdown': 'markdown',
  'text/x-source': 'code',
  'text/csv': 'csv',
  'text/tab-separated-values': 'csv',
  'text/html': 'html',
  'application/json': 'json',
  'application/x-ndjson': 'json',
  'application/x-ipynb+json': 'notebook',
  'application/xml': 'xml',
  'message/rfc822': 'email',
  'application/rtf': 'rtf',
  'application/pdf': 'pdf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  // What is inside is found once it was opened.
  'application/x-encrypted-office': null,
} as const satisfies Record<string, DocumentType | null>;

/** A media type under which a parser can be found. */
export type MediaType = keyof typeof documentTypeOf;
