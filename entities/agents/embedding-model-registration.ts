import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** Makes the partition and the index of an embedding model's vectors; harmless when they exist. */
export async function registerEmbeddingModel(em: EntityManager, modelId: string): Promise<void> {
  await query(em, 'select register_embedding_model($1)', [modelId]);
}
