import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import type { SyncSourceInput } from '../../contracts/names/workflows.ts';
import { acceptDocuments, readChunkParameters } from '../../entities/documents/accept-documents.ts';
import { addToIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import type { DocumentToAccept } from '../../entities/documents/reserve-generation.ts';
import { query } from '../../entities/sql.ts';
import { holdItemDocument, settleItem, type ItemDescription } from '../../entities/sources/source-item-repository.ts';
import { noteUnfetchedDocument } from '../../entities/sources/unfetched-document.ts';
import type { FetchedContent } from '../../providers/sources/document-source.ts';
import type { AcceptedDocument } from './accepted-document.ts';
import { importVector } from './import-vector.ts';
import { itemTitle, prepareItem } from './prepare-item.ts';
import { describeError, type SyncStep } from './run-sync-step.ts';
import { settingsHash } from './settings-hash.ts';
import type { SyncDeps } from './sync-deps.ts';

/** An item that waits in the manifest. */
export type WaitingItem = { path: string; version: string | null; description: ItemDescription };

/**
 * Hands a pending item's content over to be ingested, in one transaction with the manifest; null when there is nothing to
 * ingest: the content is there already, or cannot be a document, or the item was settled by another attempt.
 */
export async function handOverItem(
  deps: SyncDeps,
  step: SyncStep,
  input: SyncSourceInput,
  item: WaitingItem,
  content: FetchedContent,
): Promise<AcceptedDocument | null> {
  let prepared: DocumentToAccept;
  try {
    prepared = await prepareItem(deps, item, content);
  } catch (error) {
    await step.held((em, sync) => failItem(em, input, sync.jobId, item, describeError(error)));
    return null;
  }
  const version = content.version ?? item.version ?? contentVersion(content.bytes);
  try {
    const accepted = await step.held(async (em, sync) => {
      if (!(await holdItemDocument(em, input, item.path))) return excludeItem(em, input, sync.jobId, item);
      const chunks = await readChunkParameters(em, input.workspaceId, input.knowledgeSourceId);
      const common = (sync.configuration['metadata'] ?? {}) as Record<string, unknown>;
      const document = { ...prepared, metadata: { ...common, ...prepared.metadata } };
      const { documents } = await acceptDocuments(em, {
        ...input,
        jobId: sync.jobId,
        documents: [document],
        addToJob: true,
      });
      const { documentId, generation, unchanged } = documents[0]!;
      const isWaiting = await settleItem(em, input, item.path, {
        documentId,
        version,
        settingsHash: settingsHash(sync.configuration, chunks),
        error: null,
        state: unchanged ? 'unchanged' : 'accepted',
      });
      if (!isWaiting) throw new ItemSettled();
      // What is served is what the source holds: an error of an earlier fetch is over.
      if (unchanged)
        await query(em, `update documents set error = null where id = $1 and status = 'ready'`, [documentId]);
      const model = sync.configuration['embedding_model'];
      return unchanged ? null : { documentId, generation, model: typeof model === 'string' ? model : null };
    });
    if (accepted === null) return null;
    const { model, ...document } = accepted;
    const { vector, bytes } = content;
    if (vector === undefined || model === null) return document;
    const text = Buffer.from(bytes).toString('utf8');
    return (await importVector(deps, input, document, { text, vector, model })) ? null : document;
  } catch (error) {
    if (error instanceof ItemSettled) return null;
    throw error;
  }
}

/** Notes that a pending item cannot be fetched, on its document and in the job. The caller holds the sync. */
export async function failItem(
  em: EntityManager,
  input: SyncSourceInput,
  jobId: string,
  item: WaitingItem,
  error: { code: string; detail: string },
): Promise<void> {
  if (!(await holdItemDocument(em, input, item.path))) {
    await excludeItem(em, input, jobId, item);
    return;
  }
  const documentId = await noteUnfetchedDocument(em, {
    documentId: v7(),
    workspaceId: input.workspaceId,
    knowledgeSourceId: input.knowledgeSourceId,
    path: item.path,
    title: item.description.title ?? itemTitle(item.path),
    sourceUrl: item.description.source_url ?? null,
    error,
  });
  const outcome = { state: 'failed', documentId, version: null, settingsHash: null, error } as const;
  if (!(await settleItem(em, input, item.path, outcome))) return;
  const failed = [{ document: documentId, error: `${error.code}: ${error.detail}` }];
  await addToIngestionJob(em, jobId, { unchanged: 0, accepted: 0, failed });
}

/** Settles an item whose document was deleted here while it waited: it stays deleted, as it does at the next listing. */
async function excludeItem(em: EntityManager, input: SyncSourceInput, jobId: string, item: WaitingItem): Promise<null> {
  const outcome = { state: 'excluded', documentId: null, version: null, settingsHash: null, error: null } as const;
  if (await settleItem(em, input, item.path, outcome))
    await addToIngestionJob(em, jobId, { unchanged: 1, accepted: 0, failed: [] });
  return null;
}

/** The version of content whose source has none. */
export function contentVersion(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('base64url')}`;
}

/** Rolls the transaction back in which an item turned out to be settled by another attempt. */
class ItemSettled extends Error {}
