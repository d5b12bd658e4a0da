import type { IngestDocumentInput, SyncSourceInput } from '../../contracts/names/workflows.ts';
import type { Database } from '../../platform/database.ts';
import type { inspectDocument } from '../../providers/parsers/detection/inspect-document.ts';
import type { DocumentSource } from '../../providers/sources/document-source.ts';

/** A source as its row says it; the connection string is sealed. */
export type StoredSource = {
  type: string;
  connectionString: string | null;
  configuration: Record<string, unknown>;
};

/** What the steps of a sync are made with. */
export type SyncDeps = {
  database: Database;
  /** Opens the sealed credentials and resolves the adapter. Throws PerdureError `source_configuration`. */
  openSource(source: StoredSource): DocumentSource;
  inspectDocument: typeof inspectDocument;
  /** Asks running ingestions to stop; best effort, for the rows fence them. */
  cancelIngest(key: { documentId: string; generation: number }): Promise<void>;
  /** Whether the workflow of this id, which ingests the document with others, is open. */
  ingestRuns(input: IngestDocumentInput, workflowId: string): Promise<boolean>;
  /** Starts the workflow of a sync that was accepted; harmless when it runs. */
  startSync(input: SyncSourceInput): Promise<void>;
  /** Wakes the watchers of a document; called after a commit, never inside a transaction. */
  notifyDocument(documentId: string): void;
};
