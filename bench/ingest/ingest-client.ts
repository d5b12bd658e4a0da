import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ApiClient } from '../../cli/api-client.ts';
import type { DocumentsAccepted } from '../../contracts/document.ts';

/** A document to upload. */
export interface BenchDocument {
  path: string;
  text: string;
}

// Below the limit of a JSON body, with room for the envelope.
const bytesPerRequest = 900_000;
const pollMs = 25;

/**
 * Uploads documents as a client would and waits for them. It looks into the database for their end, which costs next to
 * nothing: asking the API every few milliseconds would take from what is measured.
 */
export class IngestClient {
  readonly #api: ApiClient;
  readonly #database: pg.Client;
  readonly #source: string;

  private constructor(api: ApiClient, database: pg.Client, source: string) {
    this.#api = api;
    this.#database = database;
    this.#source = source;
  }

  static async connect(options: {
    url: string;
    key: string;
    databaseUrl: string;
    source?: string;
  }): Promise<IngestClient> {
    const { url, key, databaseUrl, source = 'uploads' } = options;
    const database = new pg.Client({ connectionString: databaseUrl, options: '-c role=perdure_operator' });
    await database.connect();
    return new IngestClient(new ApiClient(url, key), database, source);
  }

  close(): Promise<void> {
    return this.#database.end();
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
      const { rows } = await this.#database.query<{ status: string; errors: unknown }>({
        name: 'job',
        text: 'select status, errors from ingestion_jobs where id = $1',
        values: [id],
      });
      const { status, errors } = rows[0]!;
      if (status === 'completed') return;
      if (status !== 'queued' && status !== 'processing') {
        throw new Error(`The ingestion ended as ${status}: ${JSON.stringify(errors).slice(0, 500)}`);
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
