import type { Document } from '../../contracts/document.ts';
import type { DocumentRow } from '../../entities/documents/document-repository.ts';
import { ingestionPercent } from './ingestion-percent.ts';
import { presentDocumentError } from './present-document-error.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

/** A document as the API shows it. */
export function presentDocument(row: DocumentRow): Document {
  const { latest } = row;
  return {
    id: row.id,
    title: row.title,
    document_type: row.document_type,
    knowledge_source_id: row.knowledge_source_id,
    path: row.source_path,
    source_url: row.source_url,
    author: row.author,
    user: row.user,
    is_global: row.is_global,
    metadata: row.metadata,
    status: row.status,
    error: presentDocumentError(row.error),
    active_generation: row.active_generation,
    latest: latest && {
      generation: latest.generation,
      state: latest.state,
      stage: latest.stage,
      percent: ingestionPercent(latest),
      mime_type: latest.mime_type,
      document_type: latest.document_type,
      byte_size: latest.byte_size,
      characters: latest.characters,
      expected_chunks: latest.expected_chunks,
      embedded_chunks: latest.embedded_chunks,
      warnings: latest.warnings,
      error: presentDocumentError(latest.error),
      job_id: latest.job_id,
      workflow_id: latest.workflow_id,
      queue_wait_ms: latest.queue_wait_ms,
      restarts: latest.restarts,
      started_at: presentOptionalTime(latest.started_at),
      completed_at: presentOptionalTime(latest.completed_at),
    },
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}
