import type { IngestionJob, JobDocument } from '../contracts/ingestion-job.ts';
import { countOf } from '../contracts/names/count-of.ts';
import type { CommandContext } from './command.ts';
import { followEvents } from './event-stream.ts';
import { resultOfDocument, type FileResult } from './file-result.ts';

/** What the watcher of a job learns: an outcome, or how far the job is. */
export type JobNews =
  | { result: FileResult; document: JobDocument }
  | { job: IngestionJob; working: JobDocument | null; ended: boolean };

/**
 * Follows a job by its events until it ends, over broken connections and restarts of the API. Each document's outcome
 * comes once; `pathOf` gives the name under which it is shown.
 */
export async function* watchJob(
  { api, signal }: Pick<CommandContext, 'api' | 'signal'>,
  jobId: string,
  pathOf: (document: JobDocument) => string,
): AsyncGenerator<JobNews, void, undefined> {
  const told = new Set<string>();
  let working: JobDocument | null = null;
  let job: IngestionJob | null = null;
  const events = followEvents(api, `/ingestion-jobs/${jobId}/events`, {
    isFinal: ({ event }) => event === 'done' || event === 'deleted',
    signal,
  });
  for await (const { event, data } of events) {
    if (event === 'document') {
      const document = data as JobDocument;
      const result = resultOfDocument(pathOf(document), document);
      const key = `${document.document_id}/${document.generation}`;
      if (result && !told.has(key)) {
        told.add(key);
        yield { result, document };
      }
      working = result ? null : document;
    } else if (event === 'progress' || event === 'done') job = data as IngestionJob;
    if (job) yield { job, working, ended: event === 'done' };
  }
}

/** A job on one line: how far it is, and what is being worked on. */
export function jobLine(job: IngestionJob, working: JobDocument | null): string {
  const { processed_documents: processed, failed_documents: failed, total_documents: total } = job;
  const current = working && `, ${working.stage} ${working.path ?? working.title} ${working.percent} %`;
  return `${processed + failed} of ${countOf(total, 'document')}${failed > 0 ? `, ${failed} failed` : ''}${current ?? ''} …`;
}
