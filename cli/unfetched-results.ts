import type { Document } from '../contracts/document.ts';
import type { IngestionJob } from '../contracts/ingestion-job.ts';
import { hintOf } from '../contracts/error-hints.ts';
import { ApiError } from './api-client.ts';
import type { CommandContext } from './command.ts';
import type { FileResult } from './file-result.ts';

/** So many are looked up one by one; the job has them all. */
const most = 50;

/**
 * What a job says of documents that were not told of by an event of their own, because they could not be fetched at all;
 * `told` are the ids of those that were.
 */
export async function unfetchedResults(
  { api, signal }: Pick<CommandContext, 'api' | 'signal'>,
  job: IngestionJob,
  told: ReadonlySet<string | null>,
): Promise<FileResult[]> {
  const untold = job.errors.filter(({ document }) => document !== job.knowledge_source_id && !told.has(document));
  return Promise.all(
    untold.slice(0, most).map(async ({ document: id, error: reason }) => {
      const document = await api.request<Document>(`/documents/${id}`, { signal }).catch((error: unknown) => {
        // Deleted meanwhile.
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      });
      return {
        path: document?.path ?? document?.title ?? id,
        state: 'failed' as const,
        type: null,
        warnings: [],
        reason,
        hint: hintOf(reason.split(':', 1)[0]!),
        characters: null,
        chunks: null,
        document_id: id,
      };
    }),
  );
}
