import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../cli/api-client.ts';
import type { Document, DocumentsAccepted } from '../../contracts/document.ts';
import type { IngestionJob } from '../../contracts/ingestion-job.ts';

/** What became of one file. */
export interface IngestedFile {
  readonly path: string;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly hash: string;
  /** `refused` when it was sent, `failed` when it was read. */
  readonly state: 'ready' | 'failed' | 'refused';
  readonly type: string | null;
  readonly warnings: readonly { readonly code: string; readonly detail: string }[];
  readonly error: { readonly code: string; readonly detail: string } | null;
  readonly characters: number | null;
  readonly chunks: number | null;
  readonly text: string | null;
  readonly withPassword: boolean;
}

interface FileToSend {
  readonly path: string;
  readonly bytes: Buffer;
  readonly hash: string;
  readonly password: string | undefined;
}

// Below the limit of a request, base64 and envelope included.
const bytesPerRequest = 20 * 1024 * 1024;
const pollMs = 200;

/**
 * Sends all files of a folder and those below it, waits for each one's end, and reads what the product says of it. A file
 * whose password `passwordOf` knows is sent twice, without and with it.
 */
export async function ingestFolder(
  client: ApiClient,
  folder: string,
  passwordOf: (hash: string) => string | undefined,
): Promise<IngestedFile[]> {
  const ingested: IngestedFile[] = [];
  let batch: FileToSend[] = [];
  let size = 0;
  const send = async (): Promise<void> => {
    if (batch.length > 0) ingested.push(...(await ingestBatch(client, batch)));
    batch = [];
    size = 0;
  };
  for (const entry of (await readdir(folder, { recursive: true, withFileTypes: true })).filter((found) =>
    found.isFile(),
  )) {
    const file = path.join(entry.parentPath, entry.name);
    const bytes = await readFile(file);
    const hash = createHash('sha256').update(bytes).digest('hex');
    const password = passwordOf(hash);
    if (size + bytes.length > bytesPerRequest) await send();
    const name = path.relative(folder, file);
    batch.push({ path: name, bytes, hash, password: undefined });
    if (password !== undefined) batch.push({ path: `with password/${name}`, bytes, hash, password });
    size += bytes.length;
  }
  await send();
  return ingested.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function ingestBatch(client: ApiClient, batch: readonly FileToSend[]): Promise<IngestedFile[]> {
  const { job, documents } = await client.request<DocumentsAccepted>('/documents/batch', {
    method: 'POST',
    idempotencyKey: randomUUID(),
    body: {
      documents: batch.map(({ path: name, bytes, password }) => ({
        path: name,
        content_base64: bytes.toString('base64'),
        ...(password === undefined ? {} : { password }),
      })),
    },
  });
  if (job) await untilDone(client, job.id);
  return Promise.all(
    documents.map(async ({ index, document_id: id, error }) => {
      const { path: name, hash, password } = batch[index]!;
      const file = { path: name, hash, withPassword: password !== undefined };
      if (id === null) {
        return {
          ...file,
          state: 'refused' as const,
          type: null,
          warnings: [],
          error,
          characters: null,
          chunks: null,
          text: null,
        };
      }
      return { ...file, ...(await readOutcome(client, id)) };
    }),
  );
}

async function readOutcome(
  client: ApiClient,
  id: string,
): Promise<Omit<IngestedFile, 'path' | 'hash' | 'withPassword'>> {
  const document = await client.request<Document>(`/documents/${id}`);
  const { latest, status } = document;
  if (status !== 'ready' && status !== 'failed') throw new Error(`${document.path} ended as ${status}.`);
  return {
    state: status,
    type: latest?.document_type ?? document.document_type,
    warnings: latest?.warnings ?? [],
    error: latest?.error ?? document.error,
    characters: latest?.characters ?? null,
    chunks: latest?.expected_chunks ?? null,
    text: status === 'ready' ? await client.text(`/documents/${id}/content`) : null,
  };
}

async function untilDone(client: ApiClient, id: string): Promise<void> {
  for (;;) {
    const { status } = await client.request<IngestionJob>(`/ingestion-jobs/${id}`);
    if (status !== 'queued' && status !== 'processing') return;
    await sleep(pollMs);
  }
}
