import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Document, DocumentsAccepted } from '../contracts/document.ts';
import type { IngestionJob, JobDocument } from '../contracts/ingestion-job.ts';
import { maxDocumentBytes } from '../contracts/names/limits.ts';
import type { FoundFile } from './collect-files.ts';
import type { CommandContext } from './command.ts';
import { refusedFile, type FileResult } from './file-result.ts';
import { watchJob } from './watch-job.ts';

/** Where files go, and whose they are. */
export interface IngestTarget {
  readonly source: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** An outcome, or how far the batch that is under way is. */
export type IngestNews = { result: FileResult } | { job: IngestionJob; working: JobDocument | null };

type ReadFile = { path: string; content: Buffer };

const batchFiles = 100;
const batchBytes = 8 * 1024 * 1024;

/** Sends the files in batches and tells each one's outcome as soon as it is known. */
export async function* ingestFiles(
  context: CommandContext,
  files: readonly FoundFile[],
  target: IngestTarget,
): AsyncGenerator<IngestNews, void, undefined> {
  for (const batch of intoBatches(files)) {
    const read: ReadFile[] = [];
    for (const file of batch) {
      if (file.bytes > maxDocumentBytes) yield { result: tooLarge(file) };
      else {
        const content = await readFile(file.file).catch((error: NodeJS.ErrnoException) => error);
        if (content instanceof Error) yield { result: unreadable(file, content) };
        else read.push({ path: file.path, content });
      }
    }
    if (read.length === 0) continue;
    const answer = await sendBatch(context, read, target);
    const paths = new Map<string, string>();
    for (const { index, document_id: documentId, generation, unchanged, error } of answer.documents) {
      const { path } = read[index]!;
      if (documentId === null || generation === null) yield { result: refusedFile(path, error) };
      else if (unchanged) yield { result: await unchangedResult(context, path, documentId) };
      else paths.set(`${documentId}/${generation}`, path);
    }
    if (!answer.job) continue;
    const pathOf = (document: JobDocument) =>
      paths.get(`${document.document_id}/${document.generation}`) ?? document.path ?? document.title;
    yield* watchJob(context, answer.job.id, pathOf);
  }
}

async function sendBatch(
  context: CommandContext,
  files: readonly ReadFile[],
  { source, user, password }: IngestTarget,
): Promise<DocumentsAccepted> {
  const documents = files.map(({ path, content }) => ({
    path,
    ...(password === undefined ? {} : { password }),
    ...contentOf(content),
  }));
  const body = {
    documents,
    ...(source === undefined ? {} : { knowledge_source: source }),
    ...(user === undefined ? {} : { user }),
  };
  const options = { method: 'POST', body, signal: context.signal, idempotencyKey: randomUUID() } as const;
  return context.api.request<DocumentsAccepted>('/documents/batch', options);
}

/** Bytes that are not UTF-8 go as they are: what they are is for the API to judge. */
function contentOf(bytes: Buffer): { text: string } | { content_base64: string } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    // JSON for PostgreSQL cannot hold this character; as bytes it can be sent.
    return text.includes('\0') ? { content_base64: bytes.toString('base64') } : { text };
  } catch {
    return { content_base64: bytes.toString('base64') };
  }
}

async function unchangedResult({ api, signal }: CommandContext, path: string, id: string): Promise<FileResult> {
  const { latest, document_type: type } = await api.request<Document>(`/documents/${id}`, { signal });
  return {
    path,
    state: 'unchanged',
    type: latest?.document_type ?? type,
    warnings: latest?.warnings ?? [],
    reason: null,
    hint: null,
    characters: latest?.characters ?? null,
    chunks: latest?.expected_chunks ?? null,
    document_id: id,
  };
}

function unreadable(file: FoundFile, { code = 'unknown error' }: NodeJS.ErrnoException): FileResult {
  const detail = `The file cannot be read (${code}).`;
  return refusedFile(file.path, { code: 'unreadable', detail, hint: 'Let the user who runs this read it.' });
}

function tooLarge(file: FoundFile): FileResult {
  const detail = `The file has ${file.bytes} bytes, and a document may have ${maxDocumentBytes}.`;
  return refusedFile(file.path, { code: 'body_too_large', detail, hint: 'Split it and ingest the parts.' });
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
