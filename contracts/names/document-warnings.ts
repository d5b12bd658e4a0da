/** Codes of what a reader of a document should know about its extraction. */
export const documentWarningCodes = [
  'suspected_garbled',
  'type_mismatch',
  'truncated',
  'skipped_attachment',
  'skipped_image',
  'partial_text',
  'unreadable_part',
  'chunk_size_capped',
  'unknown_words',
] as const;

/** A code of `documentWarningCodes`, and in plain words what is missing or doubtful and where. */
export type DocumentWarning = { readonly code: (typeof documentWarningCodes)[number]; readonly detail: string };
