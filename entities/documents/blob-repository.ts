import type { EntityManager } from '@mikro-orm/postgresql';
import type { GenerationKey } from './document-chunk-repository.ts';
import { query } from '../sql.ts';

/** Reads the bytes of a generation as they were accepted. */
export async function readBlob(em: EntityManager, key: GenerationKey): Promise<Buffer> {
  const parts = await query<{ bytes: Buffer }>(
    em,
    `select bytes from blobs where workspace_id = $1 and document_id = $2 and generation = $3 order by part`,
    [key.workspaceId, key.documentId, key.generation],
  );
  return parts.length === 1 ? parts[0]!.bytes : Buffer.concat(parts.map((part) => part.bytes));
}
