import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { ApiClient } from '../../cli/api-client.ts';
import type { DocumentsAccepted } from '../../contracts/document.ts';
import { asLogin, benchKey, onCopy, upload } from '../ingest/base-database.ts';
import { IngestClient } from '../ingest/ingest-client.ts';
import { withServedDatabase } from '../ingest/served-database.ts';
import { compareChunks } from './compare-chunks.ts';
import type { ChunkDifference } from './compare-chunks.ts';
import type { PeerWork } from './measure-ingest-peers.ts';
import { readProductChunks } from './stored-chunks.ts';

const source = 'rest';
// Of 20 kB each, below the limit of a body.
const documentsPerRequest = 40;

/**
 * Uploads the documents, kills the worker when so large a share of their chunks has its vector, starts another one, waits
 * until all is served, and sends the documents again: what is there then beyond what belongs there, what is
 * missing, and how many of those sent again were taken for new.
 */
export function killProduct(
  work: PeerWork & { vectors: string },
  share: number,
): Promise<ChunkDifference & { sentAgain: number }> {
  const { stack, documents, vectors } = work;
  const expected = documents.flatMap(({ path, chunks }) => chunks.map(({ content }) => ({ path, content })));
  return onCopy(work, (databaseUrl) =>
    withServedDatabase(stack, { databaseUrl, vectors }, ({ url, replaceWorker }) =>
      asLogin(stack, new URL(databaseUrl).pathname.slice(1), async (database) => {
        const client = await IngestClient.connect({ url, key: benchKey, databaseUrl, source });
        const prefix = `${documents[0]!.path.split('/')[0]}/`;
        const ingested = client.ingest(documents.map(upload));
        const ended = ingested.then(() =>
          Promise.reject(new Error('The ingestion had ended before the worker was killed.')),
        );
        await Promise.race([ended, untilStored(database, prefix, share * expected.length)]);
        ended.catch(() => {});
        await replaceWorker();
        await ingested;
        const sentAgain = await sendAgain(new ApiClient(url, benchKey), work);
        await client.close();
        return { ...compareChunks(expected, await readProductChunks(database, prefix)), sentAgain };
      }),
    ),
  );
}

async function untilStored(database: pg.Client, prefix: string, chunks: number): Promise<void> {
  while ((await readProductChunks(database, prefix)).length < chunks) await sleep(20);
}

/** Sends the documents as at first, and tells how many of them the product takes for new. */
async function sendAgain(api: ApiClient, { documents }: PeerWork): Promise<number> {
  let taken = 0;
  for (let from = 0; from < documents.length; from += documentsPerRequest) {
    const part = documents.slice(from, from + documentsPerRequest);
    const { documents: items } = await api.request<DocumentsAccepted>('/documents/batch', {
      method: 'POST',
      idempotencyKey: randomUUID(),
      body: {
        knowledge_source: source,
        documents: part.map((document) => ({ ...upload(document), document_type: 'markdown', is_global: true })),
      },
    });
    taken += items.filter((item) => !item.unchanged).length;
  }
  return taken;
}
