import { uuidV7 } from '../../entities/uuid-v7.ts';
import { documentSchema, documentsRetriedSchema, retryDocumentSchema } from '../../contracts/document.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { documentsChannel } from '../../contracts/names/limits.ts';
import { cancelDocuments } from '../../entities/documents/cancel-documents.ts';
import { findDocument } from '../../entities/documents/document-repository.ts';
import { retryDocuments } from '../../entities/documents/retry-documents.ts';
import { cancelSyncs } from '../../entities/sources/source-sync-repository.ts';
import { defineRoute } from '../framework/route.ts';
import { cancelIngestion } from './cancel-ingestion.ts';
import { findVisibleDocument } from './find-visible-document.ts';
import { presentDocument } from './present-document.ts';
import { presentRetry } from './present-retry.ts';
import { startRetried } from './start-retried.ts';

const retry = defineRoute({
  method: 'POST',
  path: '/documents/{id}/retry',
  tag: 'Documents',
  summary: 'Ingest a document again whose newest ingestion failed or was cancelled',
  description:
    'From the bytes that were kept, as a new generation in a job of its own; chunks that were embedded already are not ' +
    'embedded again. What is served of the document stays served meanwhile.',
  scope: 'documents:write',
  params: idParamsSchema,
  body: retryDocumentSchema,
  bodyOptional: true,
  idempotent: true,
  responses: { 202: documentsRetriedSchema },
  example: {},
  transaction: async (em, { params, body, user, principal }, deps) => {
    const document = await findVisibleDocument(em, params.id, user);
    const { workspaceId } = principal;
    const passwordSealed = body.password === undefined ? null : deps.seal(body.password);
    const select = { documentId: params.id };
    const retried = await retryDocuments(em, { workspaceId, jobId: uuidV7(), select, passwordSealed });
    if (retried.jobId === null) throw nothingToRetry(document.latest?.state);
    return { status: 202, body: await presentRetry(em, retried) };
  },
  afterCommit: startRetried,
});

function nothingToRetry(state: string | undefined): PerdureError {
  if (state === 'staging' || state === 'ready')
    return new PerdureError('conflict', 'The document is being ingested. Wait for it, or cancel that first.');
  if (state === 'active')
    return new PerdureError('conflict', 'The newest version of the document is served: there is nothing to retry.');
  return new PerdureError('conflict', 'The bytes of the document are no longer kept. Send the document again.');
}

const cancel = defineRoute({
  method: 'POST',
  path: '/documents/{id}/cancel',
  tag: 'Documents',
  summary: 'Stop the ingestion of a document; final once answered',
  description:
    'Harmless when asked again, and when nothing is under way. A version that is served stays served; otherwise the ' +
    'document is `cancelled` and can be retried.',
  scope: 'documents:write',
  params: idParamsSchema,
  responses: { 200: documentSchema },
  transaction: async (em, { params, user, principal }, deps) => {
    await findVisibleDocument(em, params.id, user);
    const { workspaceId } = principal;
    // One that was sent by its address may not have been fetched yet.
    const fetches = await cancelSyncs(em, workspaceId, { documentId: params.id });
    const cancelled = await cancelDocuments(em, { workspaceId, documentIds: [params.id] });
    const row = await findDocument(em, params.id);
    return {
      status: 200,
      body: presentDocument(row!),
      afterCommit: async () => {
        deps.notifier.notify(documentsChannel, [params.id]);
        for (const sync of fetches) await deps.starter.cancelSync(sync);
        await cancelIngestion(deps, cancelled);
      },
    };
  },
});

/** Routes that begin and end work on documents that are there. */
export const documentWorkRoutes = [retry, cancel];
