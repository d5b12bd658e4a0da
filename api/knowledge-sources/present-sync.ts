import type { SourceSync } from '../../contracts/knowledge-source.ts';
import type { SyncRow } from '../../entities/sources/source-state-repository.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

/** A sync as the API shows it. */
export function presentSync(row: SyncRow): SourceSync {
  return {
    id: row.id,
    job_id: row.job_id,
    trigger: row.trigger,
    state: row.state,
    listed: row.listed_items,
    unchanged: row.unchanged_items,
    accepted: row.accepted_items,
    failed: row.failed_items,
    removed: row.removed_documents,
    error: row.error,
    started_at: presentOptionalTime(row.started_at),
    completed_at: presentOptionalTime(row.completed_at),
    created_at: presentTime(row.created_at),
  };
}
