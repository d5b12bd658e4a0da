import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../cli/api-client.ts';
import type { DocumentsAccepted } from '../../contracts/document.ts';
import { documentBatches } from '../../examples/document-batches.ts';
import { progress } from '../harness/progress.ts';
import type { RetrievalSet } from './read-retrieval-set.ts';

const pollMs = 500;

/**
 * Sends every document of the set with its title, the path being its id, and waits until all are served; what is there
 * already is not sent twice. Throws when a document is refused or fails.
 */
export async function ingestSet(
  client: ApiClient,
  set: RetrievalSet,
  language: string | null,
): Promise<{ chunks: number }> {
  const source = await findOrCreateSource(client, set.name, language);
  // An empty document is refused, and no search could find it.
  const written = set.documents.filter(({ title, text }) => title.trim() !== '' || text.trim() !== '');
  for (const documents of documentBatches(written)) {
    const { job, documents: items } = await client.request<DocumentsAccepted>('/documents/batch', {
      method: 'POST',
      idempotencyKey: randomUUID(),
      body: {
        knowledge_source: source,
        documents: documents.map(({ id, title, text }) => ({
          path: id,
          title,
          document_type: 'text',
          is_global: true,
          // A few documents of old collections are a title alone.
          text: text.trim() === '' ? title : text,
        })),
      },
    });
    const refused = items.find((item) => item.error !== null);
    if (refused?.error) throw new Error(`${set.name}/${refused.path} was refused: ${refused.error.detail}`);
    if (job !== null) await untilDone(client, job.id, set.name);
  }
  return { chunks: await countChunks(client, source) };
}

async function findOrCreateSource(client: ApiClient, name: string, language: string | null): Promise<string> {
  const { data } = await client.request<{ data: { id: string; name: string }[] }>('/knowledge-sources?limit=100');
  const known = data.find((source) => source.name === name);
  if (known) return known.id;
  const created = await client.request<{ id: string }>('/knowledge-sources', {
    method: 'POST',
    idempotencyKey: randomUUID(),
    body: { name, type: 'upload', ...(language !== null && { language }) },
  });
  return created.id;
}

async function untilDone(client: ApiClient, jobId: string, name: string): Promise<void> {
  for (let polls = 0; ; polls += 1) {
    const job = await client.request<{
      status: string;
      processed_documents: number;
      total_documents: number;
      errors: unknown;
    }>(`/ingestion-jobs/${jobId}`);
    if (job.status === 'completed') return;
    if (job.status !== 'queued' && job.status !== 'processing') {
      throw new Error(`${name}: the ingestion ended as ${job.status}: ${JSON.stringify(job.errors).slice(0, 500)}`);
    }
    if (polls % 20 === 0)
      progress(`${name}: ${job.processed_documents} of ${job.total_documents} documents of a batch`);
    await sleep(pollMs);
  }
}

interface DocumentsPage {
  data: { latest: { expected_chunks: number | null } | null }[];
  next_cursor: string | null;
}

async function countChunks(client: ApiClient, source: string): Promise<number> {
  let chunks = 0;
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: DocumentsPage = await client.request<DocumentsPage>(
      `/documents?limit=100&knowledge_source=${source}${after}`,
    );
    for (const { latest } of page.data) chunks += latest?.expected_chunks ?? 0;
    cursor = page.next_cursor;
  } while (cursor !== null);
  return chunks;
}
