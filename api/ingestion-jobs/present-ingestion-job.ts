import type { IngestionJob } from '../../contracts/ingestion-job.ts';
import type { IngestionJobRow } from '../../entities/documents/ingestion-job-repository.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

/** A job as the API shows it. */
export function presentIngestionJob(row: IngestionJobRow): IngestionJob {
  return {
    id: row.id,
    knowledge_source_id: row.knowledge_source_id,
    status: row.status,
    total_documents: row.total_documents,
    processed_documents: row.processed_documents,
    failed_documents: row.failed_documents,
    progress_percent: row.progress_percent,
    errors: row.errors,
    started_at: presentOptionalTime(row.started_at),
    completed_at: presentOptionalTime(row.completed_at),
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}
