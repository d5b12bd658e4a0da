/**
 * A document that a sync has handed over, and that is to be ingested; `batch` is the id of the workflow that ingests it
 * with others.
 */
export type AcceptedDocument = { documentId: string; generation: number; batch?: string };
