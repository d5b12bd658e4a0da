import type { Database } from '../../platform/database.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { StoredEmbeddingModel } from '../ingestion/ingestion-deps.ts';

/** What the steps that look after embedding models are made with. */
export type ModelDeps = {
  database: Database;
  /** Opens the stored key and resolves the adapter. */
  embeddingModel(model: StoredEmbeddingModel): EmbeddingModel;
  /** Wakes the watchers of a document. */
  notifyDocument(documentId: string): void;
};
