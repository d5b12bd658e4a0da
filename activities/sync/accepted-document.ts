/** A document that a sync has handed over, and that is to be ingested. */
export type AcceptedDocument = { documentId: string; generation: number };
