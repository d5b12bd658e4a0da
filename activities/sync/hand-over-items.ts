import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import type { SyncSourceInput } from '../../contracts/names/workflows.ts';
import { lockEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import { acceptDocuments, readChunkParameters } from '../../entities/documents/accept-documents.ts';
import { deleteSupersededChunks } from '../../entities/documents/document-chunk-repository.ts';
import { addToIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import type { DocumentToAccept } from '../../entities/documents/reserve-generation.ts';
import { query } from '../../entities/sql.ts';
import { holdItemDocuments, settleItems, type ItemDescription } from '../../entities/sources/source-item-repository.ts';
import { noteUnfetchedDocument } from '../../entities/sources/unfetched-document.ts';
import type { FetchedContent } from '../../providers/sources/document-source.ts';
import type { AcceptedDocument } from './accepted-document.ts';
import { importVectors } from './import-vectors.ts';
import { itemTitle, prepareItem } from './prepare-item.ts';
import { describeError, type SyncStep } from './run-sync-step.ts';
import { settingsHash } from './settings-hash.ts';
import type { SyncDeps } from './sync-deps.ts';

/** An item that waits in the manifest. */
export type WaitingItem = { path: string; version: string | null; description: ItemDescription };

/** An item with what its source gave for it. */
export type FetchedItem = { item: WaitingItem; content: FetchedContent };

type PreparedItem = FetchedItem & { document: DocumentToAccept };

const supersededAtOnce = 1000;

/**
 * Hands the contents of pending items over to be ingested, in one transaction with the manifest; returns what there is to
 * ingest. Left out is content that is there already, that comes with its vector, or that cannot be a document, and an item
 * that was settled by another attempt. Where one of them spoils the transaction each gets one of its own.
 */
export async function handOverItems(
  deps: SyncDeps,
  step: SyncStep,
  input: SyncSourceInput,
  fetched: readonly FetchedItem[],
): Promise<AcceptedDocument[]> {
  const prepared: PreparedItem[] = [];
  for (const { item, content } of fetched) {
    try {
      prepared.push({ item, content, document: await prepareItem(deps, item, content) });
    } catch (error) {
      await step.held((em, sync) => failItem(em, input, sync.jobId, item, describeError(error)));
    }
  }
  if (prepared.length === 0) return [];
  try {
    return await acceptItems(deps, step, input, prepared);
  } catch (error) {
    if (error instanceof ItemSettled && prepared.length === 1) return [];
    if (step.signal.aborted || prepared.length === 1 || describeError(error).code === 'fenced') throw error;
    const accepted: AcceptedDocument[] = [];
    for (const one of prepared) accepted.push(...(await handOverItems(deps, step, input, [one])));
    return accepted;
  }
}

async function acceptItems(
  deps: SyncDeps,
  step: SyncStep,
  input: SyncSourceInput,
  prepared: readonly PreparedItem[],
): Promise<AcceptedDocument[]> {
  const { workspaceId, knowledgeSourceId } = input;
  const bringsVectors = prepared.some(({ content }) => content.vector !== undefined);
  const lock = bringsVectors ? (em: EntityManager) => lockEmbeddingModels(em, workspaceId, 'shared') : undefined;
  const { waiting, imported } = await step.held(async (em, { jobId, configuration }) => {
    const paths = prepared.map(({ item }) => item.path);
    const deleted = await holdItemDocuments(em, input, paths);
    const present = prepared.filter(({ item }) => !deleted.has(item.path));
    const chunks = await readChunkParameters(em, workspaceId, knowledgeSourceId);
    const hash = settingsHash(configuration, chunks);
    const common = (configuration['metadata'] ?? {}) as Record<string, unknown>;
    const toAccept = present.map(({ document }) => ({ ...document, metadata: { ...common, ...document.metadata } }));
    const order = { workspaceId, knowledgeSourceId, jobId, documents: toAccept, addToJob: true };
    const reserved = present.length === 0 ? [] : (await acceptDocuments(em, order)).documents;
    const settled = await settleItems(em, input, [
      ...paths.filter((path) => deleted.has(path)).map((path) => ({ path, ...excluded })),
      ...present.map(({ item, content }, place) => ({
        path: item.path,
        documentId: reserved[place]!.documentId,
        version: content.version ?? item.version ?? contentVersion(content.bytes),
        settingsHash: hash,
        error: null,
        state: reserved[place]!.unchanged ? ('unchanged' as const) : ('accepted' as const),
      })),
    ]);
    if (settled < prepared.length) throw new ItemSettled();
    if (deleted.size > 0) await addToIngestionJob(em, jobId, { unchanged: deleted.size, accepted: 0, failed: [] });
    const unchanged = reserved.flatMap((document) => (document.unchanged ? document.documentId : []));
    // What is served is what the source holds: an error of an earlier fetch is over.
    if (unchanged.length > 0)
      await query(em, `update documents set error = null where id = any($1::uuid[]) and status = 'ready'`, [unchanged]);
    const accepted = reserved.flatMap(({ unchanged: isSame, ...document }, place) =>
      isSame ? [] : [{ ...document, content: present[place]!.content }],
    );
    const model = configuration['embedding_model'];
    const vectors = accepted.flatMap(({ content: { vector, bytes }, ...document }) =>
      vector === undefined ? [] : [{ ...document, vector, text: Buffer.from(bytes).toString('utf8') }],
    );
    const published = typeof model === 'string' ? await importVectors(em, input, vectors, model) : [];
    const isPublished = new Set(published.map(({ documentId }) => documentId));
    const others = accepted.filter(({ documentId }) => !isPublished.has(documentId));
    return { waiting: others.map(({ content: _, ...document }) => document), imported: published };
  }, lock);
  for (const { superseded, ...document } of imported) {
    deps.notifyDocument(document.documentId);
    if (superseded) await dropSuperseded(deps, { workspaceId, ...document });
  }
  return waiting;
}

async function dropSuperseded({ database }: SyncDeps, key: AcceptedDocument & { workspaceId: string }): Promise<void> {
  for (let dropped = supersededAtOnce; dropped === supersededAtOnce;)
    dropped = await database.inWorkspace(key.workspaceId, (em) => deleteSupersededChunks(em, key, supersededAtOnce));
}

/** Notes that a pending item cannot be fetched, on its document and in the job. The caller holds the sync. */
export async function failItem(
  em: EntityManager,
  input: SyncSourceInput,
  jobId: string,
  item: WaitingItem,
  error: { code: string; detail: string },
): Promise<void> {
  const deleted = await holdItemDocuments(em, input, [item.path]);
  if (deleted.size > 0) {
    const settled = await settleItems(em, input, [{ path: item.path, ...excluded }]);
    if (settled > 0) await addToIngestionJob(em, jobId, { unchanged: 1, accepted: 0, failed: [] });
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
  const outcome = { path: item.path, state: 'failed', documentId, version: null, settingsHash: null, error } as const;
  if ((await settleItems(em, input, [outcome])) === 0) return;
  const failed = [{ document: documentId, error: `${error.code}: ${error.detail}` }];
  await addToIngestionJob(em, jobId, { unchanged: 0, accepted: 0, failed });
}

/** The outcome of an item whose document was deleted here while it waited: it stays deleted, as at the next listing. */
const excluded = { state: 'excluded', documentId: null, version: null, settingsHash: null, error: null } as const;

/** The version of content whose source has none. */
export function contentVersion(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('base64url')}`;
}

/** Rolls a transaction back in which an item turned out to be settled by another attempt. */
class ItemSettled extends Error {}
