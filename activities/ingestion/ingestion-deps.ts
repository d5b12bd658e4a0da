import type { DocumentParsers } from '../../providers/parsers/document-parsers.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { Database } from '../../platform/database.ts';

/** A row of `models` as the provider registry wants it; `apiKey` is still sealed. */
export type StoredEmbeddingModel = {
  provider: string;
  modelId: string;
  endpoint: string | null;
  apiKey: string | null;
  capabilities: Record<string, unknown>;
};

/** What the ingestion's activities are made with. */
export type IngestionDeps = {
  database: Database;
  /** Opens the stored key and resolves the adapter. */
  embeddingModel(model: StoredEmbeddingModel): EmbeddingModel;
  parsers: Pick<DocumentParsers, 'parse'>;
  /** Opens a sealed password. */
  openSealed(sealed: string): string;
  /** Wakes the watchers of a document; called after a commit, never inside a transaction. */
  notifyDocument(documentId: string): void;
};
