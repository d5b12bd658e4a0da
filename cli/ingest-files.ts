import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Document, DocumentsAccepted } from '../contracts/document.ts';
import type { IngestionJob } from '../contracts/ingestion-job.ts';
import type { DocumentWarning } from '../contracts/names/document-warnings.ts';
import { maxDocumentBytes } from '../contracts/names/limits.ts';
import { ApiError } from './api-client.ts';
import type { FoundFile } from './collect-files.ts';
import type { CommandContext } from './command.ts';

/** What became of one file. */
export interface FileResult {
  readonly path: string;
  readonly state: 'ready' | 'unchanged' | 'replaced' | 'failed' | 'cancelled';
  readonly type: FoundFile['type'];
  readonly warnings: readonly DocumentWarning[];
  /** Why it failed, beginning with the code of the error; null otherwise. */
  readonly reason: string | null;
  readonly characters: number | null;
  readonly chunks: number | null;
  readonly document_id: string | null;
}

type Accepted = { file: FoundFile; documentId: string; generation: number };
type Target = { source: string | undefined; user: string | undefined };
const batchFiles = 100;
const batchBytes = 8 * 1024 * 1024;
const pollMs = 400;
/** A job works on its documents about in order, so only the first open ones are looked at before its end. */
const lookedAt = 8;

/** Sends the files in batches and yields each one's outcome as soon as it is known. */
export async function* ingestFiles(
  context: CommandContext,
  files: readonly FoundFile[],
  target: Target,
): AsyncGenerator<FileResult, void, undefined> {
  for (const batch of intoBatches(files)) {
    const small = batch.filter(({ bytes }) => bytes <= maxDocumentBytes);
    yield* batch.filter((file) => !small.includes(file)).map(tooLarge);
    if (small.length === 0) continue;
    const answer = await sendBatch(context, small, target);
    const open: Accepted[] = [];
    for (const { index, document_id: documentId, generation, unchanged, error } of answer.documents) {
      const file = small[index] as FoundFile;
      if (documentId === null || generation === null) yield refused(file, error);
      else if (unchanged) yield resultOf(file, await readDocument(context, documentId), 'unchanged');
      else open.push({ file, documentId, generation });
    }
    if (answer.job) yield* watchJob(context, answer.job.id, open);
  }
}

async function sendBatch(
  context: CommandContext,
  files: readonly FoundFile[],
  target: Target,
): Promise<DocumentsAccepted> {
  const documents = await Promise.all(
    files.map(async (file) => ({
      path: file.path,
      document_type: file.type,
      ...contentOf(await readFile(file.file)),
    })),
  );
  const body = {
    documents,
    ...(target.source === undefined ? {} : { knowledge_source: target.source }),
    ...(target.user === undefined ? {} : { user: target.user }),
  };
  const options = { method: 'POST', body, signal: context.signal, idempotencyKey: randomUUID() } as const;
  return context.api.request<DocumentsAccepted>('/documents/batch', options);
}

/** Bytes that are not UTF-8 go as they are: what they are is for the API to judge. */
function contentOf(bytes: Buffer): { text: string } | { content_base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { content_base64: bytes.toString('base64') };
  }
}

async function* watchJob(
  context: CommandContext,
  jobId: string,
  accepted: readonly Accepted[],
): AsyncGenerator<FileResult, void, undefined> {
  const { api, signal } = context;
  let open = [...accepted];
  let seen = -1;
  while (open.length > 0) {
    const job = await api.request<IngestionJob>(`/ingestion-jobs/${jobId}`, { signal });
    const settled = job.processed_documents + job.failed_documents;
    const ended = job.status !== 'queued' && job.status !== 'processing';
    if (settled !== seen || ended) {
      const [front, back] = ended ? [open, []] : [open.slice(0, lookedAt), open.slice(lookedAt)];
      const results = await Promise.all(front.map((item) => outcomeOf(context, item)));
      yield* results.filter((result) => result !== null);
      open = [...front.filter((_, index) => results[index] === null), ...back];
      seen = settled;
    }
    if (open.length > 0) await delay(pollMs, undefined, { signal });
  }
}

function readDocument({ api, signal }: CommandContext, id: string): Promise<Document> {
  return api.request<Document>(`/documents/${id}`, { signal });
}

async function outcomeOf(context: CommandContext, item: Accepted): Promise<FileResult | null> {
  try {
    const document = await readDocument(context, item.documentId);
    const { latest } = document;
    if (latest && latest.generation > item.generation) return resultOf(item.file, document, 'replaced');
    if (latest?.state === 'active') return resultOf(item.file, document, 'ready');
    if (latest?.state === 'failed') return resultOf(item.file, document, 'failed');
    if (latest?.state === 'abandoned') return resultOf(item.file, document, 'cancelled');
    return null;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    return refused(item.file, { code: 'document_deleted', detail: 'The document was deleted meanwhile.' });
  }
}

function resultOf(file: FoundFile, document: Document, state: FileResult['state']): FileResult {
  const { latest } = document;
  const error = state === 'failed' ? (latest?.error ?? document.error) : null;
  return {
    path: file.path,
    state,
    type: file.type,
    warnings: latest?.warnings ?? [],
    reason: error ? `${error.code}: ${error.detail}` : null,
    characters: latest?.characters ?? null,
    chunks: latest?.expected_chunks ?? null,
    document_id: document.id,
  };
}

function refused(file: FoundFile, error: { code: string; detail: string } | null): FileResult {
  const reason = error ? `${error.code}: ${error.detail}` : 'internal: The API gave no reason.';
  const { path, type } = file;
  return { path, state: 'failed', type, warnings: [], reason, characters: null, chunks: null, document_id: null };
}

function tooLarge(file: FoundFile): FileResult {
  const detail = `The file has ${file.bytes} bytes, and a document may have ${maxDocumentBytes}. Split it.`;
  return refused(file, { code: 'body_too_large', detail });
}

function intoBatches(files: readonly FoundFile[]): FoundFile[][] {
  const batches: FoundFile[][] = [];
  let bytes = 0;
  for (const file of files) {
    const last = batches.at(-1);
    if (!last || last.length >= batchFiles || bytes + file.bytes > batchBytes) {
      batches.push([file]);
      bytes = file.bytes;
    } else {
      last.push(file);
      bytes += file.bytes;
    }
  }
  return batches;
}
