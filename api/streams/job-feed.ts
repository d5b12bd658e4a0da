import type { EntityManager } from '@mikro-orm/postgresql';
import { jobDocumentSchema } from '../../contracts/ingestion-job.ts';
import type { JobDocument } from '../../contracts/ingestion-job.ts';
import { listJobDocuments } from '../../entities/documents/job-document-repository.ts';
import type { JobDocumentRow } from '../../entities/documents/job-document-repository.ts';
import { ingestionPercent } from '../documents/ingestion-percent.ts';
import { presentDocumentError } from '../documents/present-document-error.ts';
import type { ServerSentEvent } from './event-stream.ts';

const pageSize = 500;
const firstId = '00000000-0000-0000-0000-000000000000';
/** A change gets its time when its transaction begins and is seen when that ends: so far each look reaches back. */
const reachBackMicros = 5_000_000;
/** Transactions last no longer than a statement may, so behind this nothing is missing. */
const resumeReachBackMicros = 70_000_000;

/**
 * The changes of a job's documents as events, each with the whole state of its document: one that comes twice says
 * nothing new. The id of an event is a time from which a broken stream goes on.
 */
export class JobFeed {
  readonly #jobId: string;
  readonly #visibleTo: string | null;
  readonly #shown = new Map<string, string>();
  readonly #start: number | null;
  #reached: number | null = null;

  constructor(watched: { jobId: string; visibleTo: string | null; lastEventId: string | null }) {
    this.#jobId = watched.jobId;
    this.#visibleTo = watched.visibleTo;
    const seen = /^\d{1,16}$/.test(watched.lastEventId ?? '') ? Number(watched.lastEventId) : null;
    this.#start = seen === null ? null : Math.max(0, seen - resumeReachBackMicros);
  }

  /**
   * What changed since the last look; `all` looks at all since the beginning again, so that none is missing
   * at the end.
   */
  async changes(em: EntityManager, { all }: { all: boolean }): Promise<ServerSentEvent[]> {
    const events: ServerSentEvent[] = [];
    const from = all || this.#reached === null ? this.#start : this.#reached - reachBackMicros;
    let after = from === null ? null : { changedAt: from, documentId: firstId };
    for (;;) {
      const rows = await listJobDocuments(em, {
        jobId: this.#jobId,
        after,
        visibleTo: this.#visibleTo,
        limit: pageSize,
      });
      for (const row of rows) this.#add(events, row);
      const last = rows.at(-1);
      if (!last || rows.length < pageSize) return events;
      after = { changedAt: last.changedAt, documentId: last.document_id };
    }
  }

  #add(events: ServerSentEvent[], row: JobDocumentRow): void {
    this.#reached = Math.max(this.#reached ?? 0, row.changedAt);
    const data = present(row);
    const key = `${row.document_id}/${row.generation}`;
    const state = `${data.state} ${data.stage} ${data.percent} ${data.warnings.length} ${data.error?.code ?? ''}`;
    if (this.#shown.get(key) === state) return;
    this.#shown.set(key, state);
    events.push({ id: Math.trunc(this.#reached), event: 'document', data });
  }
}

function present(row: JobDocumentRow): JobDocument {
  return jobDocumentSchema.parse({
    document_id: row.document_id,
    generation: row.generation,
    path: row.path,
    title: row.title,
    document_type: row.document_type,
    state: row.state,
    stage: row.stage,
    percent: ingestionPercent(row),
    queue_wait_ms: row.queue_wait_ms,
    characters: row.characters,
    chunks: row.state === 'active' ? row.expected_chunks : null,
    warnings: row.warnings,
    error: presentDocumentError(row.error),
  });
}
