/** Kinds of documents that can be read. */
export const documentTypes = [
  'text', 'markdown', 'html', 'pdf', 'code', 'docx', 'pptx', 'xlsx', 'csv', 'email', 'json', 'notebook', 'rtf', 'xml',
] as const; // prettier-ignore

/** What a document is, in the words of the API. */
export type DocumentType = (typeof documentTypes)[number];
