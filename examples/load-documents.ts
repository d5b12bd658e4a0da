import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../cli/api-client.ts';
import type { DocumentsAccepted } from '../contracts/document.ts';
import { documentBatches } from './document-batches.ts';

/** A document to be searched. */
export type ExampleDocument = { readonly path: string; readonly title: string; readonly text: string };

const pollMs = 300;

/** Hands documents over to a knowledge source of this name, and waits until all can be found. Doing it again changes nothing. */
export async function loadDocuments(
  client: ApiClient,
  source: string,
  documents: readonly ExampleDocument[],
): Promise<void> {
  await client.request('/knowledge-sources', {
    method: 'POST',
    idempotencyKey: `example-source-${source}`,
    body: { name: source, type: 'upload' },
  });
  for (const batch of documentBatches(documents)) {
    const { job, documents: accepted } = await client.request<DocumentsAccepted>('/documents/batch', {
      method: 'POST',
      idempotencyKey: randomUUID(),
      body: {
        knowledge_source: source,
        documents: batch.map((document) => ({ ...document, document_type: 'text', is_global: true })),
      },
    });
    const refused = accepted.find(({ error }) => error !== null);
    if (refused?.error) throw new Error(`${refused.path} was refused: ${refused.error.detail}`);
    if (job !== null) await untilLoaded(client, job.id);
  }
}

async function untilLoaded(client: ApiClient, jobId: string): Promise<void> {
  for (;;) {
    const job = await client.request<{ status: string; errors: unknown }>(`/ingestion-jobs/${jobId}`);
    if (job.status === 'completed') return;
    if (job.status !== 'queued' && job.status !== 'processing') {
      throw new Error(`The documents ended as ${job.status}: ${JSON.stringify(job.errors).slice(0, 500)}`);
    }
    await sleep(pollMs);
  }
}
