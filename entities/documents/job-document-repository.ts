import type { EntityManager } from '@mikro-orm/postgresql';
import type { DocumentWarning } from '../../contracts/names/document-warnings.ts';
import type { StoredError } from './document-repository.ts';
import { query } from '../sql.ts';

/** A document of a job as its watchers see it; `changedAt` is in microseconds since 1970. */
export type JobDocumentRow = {
  document_id: string;
  generation: number;
  path: string | null;
  title: string;
  document_type: string | null;
  state: 'staging' | 'ready' | 'active' | 'failed' | 'abandoned';
  stage: string;
  expected_chunks: number | null;
  embedded_chunks: number;
  characters: number | null;
  queue_wait_ms: number | null;
  warnings: DocumentWarning[];
  error: StoredError | null;
  changedAt: number;
};

/**
 * The job's documents that changed after `after` (microseconds; null from the beginning), oldest change first, so many at
 * once. `visibleTo` is the id of a user who sees their own and global documents.
 */
export async function listJobDocuments(
  em: EntityManager,
  page: {
    jobId: string;
    after: { changedAt: number; documentId: string } | null;
    visibleTo: string | null;
    limit: number;
  },
): Promise<JobDocumentRow[]> {
  return query<JobDocumentRow>(
    em,
    `select g.document_id, g.generation, coalesce(d.source_path, d.metadata ->> 'file_name') as path, d.title,
            coalesce(g.document_type, d.document_type) as document_type, g.state, g.stage, g.expected_chunks,
            g.embedded_chunks, last.end_char as characters, g.queue_wait_ms, g.warnings, g.error,
            (extract(epoch from g.updated_at) * 1000000)::float8 as "changedAt"
     from document_generations g
     join documents d on d.workspace_id = g.workspace_id and d.id = g.document_id
     left join lateral (
       select end_char from document_chunks c
       where g.state = 'active' and c.workspace_id = g.workspace_id and c.document_id = g.document_id
         and c.generation = g.generation
       order by c.chunk_index desc limit 1) last on true
     where g.workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid and g.job_id = $1
       and ($2::float8 is null
            or (g.updated_at, g.document_id) > (timestamptz 'epoch' + $2::float8 * interval '1 microsecond', $3::uuid))
       and ($4::uuid is null or d.is_global or d.user_id = $4)
     order by g.updated_at, g.document_id limit $5`,
    [page.jobId, page.after?.changedAt ?? null, page.after?.documentId ?? null, page.visibleTo, page.limit],
  );
}
