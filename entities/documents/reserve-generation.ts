import type { EntityManager } from '@mikro-orm/postgresql';
import type { DocumentType } from '../../contracts/names/document-types.ts';
import { blobPartBytes } from '../../contracts/names/limits.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { binaryArray, byteaTypeId } from './binary-array.ts';
import { query } from '../sql.ts';

/** A document as the caller brings it; ids and the hash are made by the caller. */
export type DocumentToAccept = {
  /** Id of the document if it turns out to be new. */
  documentId: string;
  title: string;
  documentType: DocumentType;
  mimeType: string;
  /** The media type, with its charset if one was named, that the sender claimed. */
  declaredType?: string | null;
  /** Opens an encrypted document; sealed, and erased when the generation ends. */
  passwordSealed?: string | null;
  /** Identity within its knowledge source; null makes a new document each time. */
  sourcePath: string | null;
  sourceUrl: string | null;
  author: string | null;
  userId: string | null;
  isGlobal: boolean;
  metadata: Record<string, unknown>;
  bytes: Uint8Array;
  /** SHA-256 of the bytes, with the vector if one came with them. */
  contentHash: Uint8Array;
};

/** Sizes in tokens of the embedding model. */
export type ChunkParameters = { chunkSize: number; chunkOverlap: number };

/** What a document is accepted into; `workflowId` is that of the workflow which is to ingest it, null for one of its own. */
export type Acceptance = ChunkParameters & {
  workspaceId: string;
  jobId: string;
  knowledgeSourceId: string | null;
  workflowId: string | null;
};

/**
 * A document with the generation that is to be ingested, by the workflow `batch` with others or by one of its own; or, if
 * unchanged, with the generation that holds the same content already.
 */
export type ReservedGeneration = { documentId: string; generation: number; unchanged: boolean; batch?: string };

/**
 * Writes the document (or finds it by its path) and reserves its next generation with the bytes; what is served keeps the
 * title that was found in it while it is sent under the same one. The document's lock
 * gives concurrent requests for one path an order; the highest generation is the one that stays.
 */
export async function reserveGeneration(
  em: EntityManager,
  acceptance: Acceptance,
  document: DocumentToAccept,
): Promise<ReservedGeneration> {
  const { documentId, latestGeneration } = await lockOrInsertDocument(em, acceptance, document);
  const same = await findSameContent(em, documentId, acceptance, document);
  const generation = same ?? latestGeneration + 1;
  await query(
    em,
    `update documents d
     set title = coalesce((
           select g.found_title from document_generations g
           where g.document_id = $1 and g.generation = d.active_generation and g.title = $2), $2),
         document_type = $3, source_url = $4, author = $5, user_id = $6, is_global = $7, metadata = $8,
         updated_at = now(), latest_generation = greatest(latest_generation, $9),
         status = case when $10 then status else 'accepted' end, error = case when $10 then error end
     where id = $1`,
    [
      documentId,
      document.title,
      document.documentType,
      document.sourceUrl,
      document.author,
      document.userId,
      document.isGlobal,
      JSON.stringify(document.metadata),
      generation,
      same !== null,
    ],
  );
  if (same === null) await insertGeneration(em, acceptance, { ...document, documentId }, generation);
  const batch = acceptance.workflowId === null || same !== null ? {} : { batch: acceptance.workflowId };
  return { documentId, generation, unchanged: same !== null, ...batch };
}

async function lockOrInsertDocument(
  em: EntityManager,
  acceptance: Acceptance,
  document: DocumentToAccept,
): Promise<{ documentId: string; latestGeneration: number }> {
  // The row that is in the way may be deleted between the two statements; then the path is free again.
  for (;;) {
    const [inserted] = await query<{ id: string }>(
      em,
      `insert into documents (id, workspace_id, knowledge_source_id, title, document_type, source_path)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (workspace_id, knowledge_source_id, source_path) where source_path is not null and deleted_at is null
       do nothing returning id`,
      [
        document.documentId,
        acceptance.workspaceId,
        acceptance.knowledgeSourceId,
        document.title,
        document.documentType,
        document.sourcePath,
      ],
    );
    if (inserted) return { documentId: inserted.id, latestGeneration: 0 };
    const [existing] = await query<{ id: string; latest_generation: number }>(
      em,
      `select id, latest_generation from documents
       where workspace_id = $1 and knowledge_source_id is not distinct from $2 and source_path = $3 and deleted_at is null
       for no key update`,
      [acceptance.workspaceId, acceptance.knowledgeSourceId, document.sourcePath],
    );
    if (existing) return { documentId: existing.id, latestGeneration: existing.latest_generation };
  }
}

/** The newest generation that is served or under way, if it was made of the same bytes in the same way; the title is
 * part of what is embedded. */
async function findSameContent(
  em: EntityManager,
  documentId: string,
  parameters: ChunkParameters,
  document: DocumentToAccept,
): Promise<number | null> {
  const [row] = await query<{ generation: number; same: boolean }>(
    em,
    `select generation, content_hash = $2 and declared_type is not distinct from $3 and chunk_size = $4
            and chunk_overlap = $5 and coalesce(title, $6) = $6 as same
     from document_generations where document_id = $1 and state in ('staging', 'ready', 'active')
     order by generation desc limit 1`,
    [
      documentId,
      Buffer.from(document.contentHash),
      document.declaredType ?? null,
      parameters.chunkSize,
      parameters.chunkOverlap,
      document.title,
    ],
  );
  return row?.same ? row.generation : null;
}

async function insertGeneration(
  em: EntityManager,
  acceptance: Acceptance,
  document: DocumentToAccept,
  generation: number,
): Promise<void> {
  await query(
    em,
    `insert into document_generations (workspace_id, document_id, generation, job_id, workflow_id, mime_type, byte_size,
                                       content_hash, chunk_size, chunk_overlap, document_type, declared_type,
                                       password_sealed, title)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      acceptance.workspaceId,
      document.documentId,
      generation,
      acceptance.jobId,
      acceptance.workflowId ?? workflowIds.ingestDocument(document.documentId, generation),
      document.mimeType,
      document.bytes.byteLength,
      Buffer.from(document.contentHash),
      acceptance.chunkSize,
      acceptance.chunkOverlap,
      document.documentType,
      document.declaredType ?? null,
      document.passwordSealed ?? null,
      document.title,
    ],
  );
  const parts: Uint8Array[] = [];
  for (let start = 0; start < document.bytes.byteLength; start += blobPartBytes) {
    parts.push(document.bytes.subarray(start, start + blobPartBytes));
  }
  await query(
    em,
    `insert into blobs (workspace_id, document_id, generation, part, bytes)
     select $1, $2, $3, b.ordinality - 1, b.bytes from unnest($4::bytea[]) with ordinality as b (bytes, ordinality)`,
    [acceptance.workspaceId, document.documentId, generation, binaryArray(byteaTypeId, parts)],
  );
}
