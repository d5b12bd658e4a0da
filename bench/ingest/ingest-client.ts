import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../../cli/api-client.ts';
import type { DocumentsAccepted } from '../../contracts/document.ts';
import type { IngestionJob } from '../../contracts/ingestion-job.ts';

/** A document to upload. */
export interface BenchDocument {
  path: string;
  text: string;
}

// Below the limit of a JSON body, with room for the envelope.
const bytesPerRequest = 900_000;
const pollMs = 25;

/** Uploads documents as a client would and waits for them. */
export class IngestClient {
  readonly #api: ApiClient;
  readonly #source: string;

  constructor(url: string, key: string, source = 'uploads') {
    this.#api = new ApiClient(url, key);
    this.#source = source;
  }

  /** Seconds from the first request until the last document can be found; throws unless every one is served. */
  async ingest(documents: readonly BenchDocument[]): Promise<number> {
    const started = performance.now();
    const jobs: string[] = [];
    for (const batch of batches(documents)) {
      const { job, documents: items } = await this.#api.request<DocumentsAccepted>('/documents/batch', {
        method: 'POST',
        idempotencyKey: randomUUID(),
        body: {
          knowledge_source: this.#source,
          documents: batch.map((document) => ({ ...document, document_type: 'markdown', is_global: true })),
        },
      });
      const refused = items.find((item) => item.error !== null);
      if (refused?.error) throw new Error(`${refused.path} was refused: ${refused.error.detail}`);
      if (job === null) throw new Error('The documents of the bench are known already.');
      jobs.push(job.id);
    }
    for (const id of jobs) await this.#untilDone(id);
    return (performance.now() - started) / 1000;
  }

  async #untilDone(id: string): Promise<void> {
    for (;;) {
      const job = await this.#api.request<IngestionJob>(`/ingestion-jobs/${id}`);
      if (job.status === 'completed') return;
      if (job.status !== 'queued' && job.status !== 'processing') {
        throw new Error(`The ingestion ended as ${job.status}: ${JSON.stringify(job.errors).slice(0, 500)}`);
      }
      await sleep(pollMs);
    }
  }
}

function* batches(documents: readonly BenchDocument[]): Generator<BenchDocument[]> {
  let batch: BenchDocument[] = [];
  let bytes = 0;
  for (const document of documents) {
    const size = Buffer.byteLength(JSON.stringify(document)) + 100;
    if (batch.length > 0 && bytes + size > bytesPerRequest) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(document);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
