/**
 * Media types under which a document may be sent as the body itself; JSON documents are sent as a form or in base64,
 * because a body of JSON describes a document. What the document is, is found from its bytes.
 */
export const uploadMediaTypes = [
  'application/octet-stream',
  'text/plain',
  'text/markdown',
  'text/html',
  'application/xhtml+xml',
  'text/csv',
  'text/tab-separated-values',
  'text/xml',
  'application/xml',
  'text/rtf',
  'application/rtf',
  'application/pdf',
  'application/x-ndjson',
  'application/x-ipynb+json',
  'message/rfc822',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
] as const;
