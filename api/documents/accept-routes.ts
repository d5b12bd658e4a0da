import { z } from 'zod';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import {
  createDocumentSchema,
  createDocumentsSchema,
  documentAcceptedSchema,
  documentsAcceptedSchema,
  uploadDocumentQuerySchema,
  uploadFormSchema,
} from '../../contracts/document.ts';
import type { CreateDocument, DocumentsAccepted } from '../../contracts/document.ts';
import { maxDocumentBytes, maxJsonBodyBytes } from '../../contracts/names/limits.ts';
import { uploadMediaTypes } from '../../contracts/names/upload-media-types.ts';
import { acceptDocuments } from '../../entities/documents/accept-documents.ts';
import { findDocument } from '../../entities/documents/document-repository.ts';
import { findIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import { actingUser, namesUser } from '../framework/acting-user.ts';
import { requireReference } from '../framework/require-reference.ts';
import { defineRoute } from '../framework/route.ts';
import type { RouteDeps, RouteRequest } from '../framework/route.ts';
import { presentIngestionJob } from '../ingestion-jobs/present-ingestion-job.ts';
import { acceptAddress } from './accept-address.ts';
import { acceptBatch } from './accept-batch.ts';
import { fromJson, prepareDocument } from './prepare-document.ts';
import { readFormBatch } from './read-form-batch.ts';
import { presentDocument } from './present-document.ts';
import { startIngestion } from './start-ingestion.ts';

/** Base64 takes four bytes for three, and the rest of the JSON needs room too. */
const maxEncodedBytes = Math.ceil((maxDocumentBytes * 4) / 3) + maxJsonBodyBytes;

/** Several files of a form are in memory at once; a folder of larger ones is sent in several requests. */
const maxFormBytes = 2 * maxDocumentBytes;

const createDocument = defineRoute({
  method: 'POST',
  path: '/documents',
  tag: 'Documents',
  summary: 'Ingest one document, sent as JSON or as the body itself, or several as the files of a form',
  description:
    'Answers 202 once the document and its job are committed; watch them by poll or by their events. The same path ' +
    'with new content is a new generation: the old one is served until the new one is complete. The files of a form ' +
    '(multipart/form-data) are one job, and are answered as those of a batch.',
  scope: 'documents:write',
  body: createDocumentSchema,
  maxBodyBytes: maxEncodedBytes,
  upload: {
    mediaTypes: uploadMediaTypes,
    query: uploadDocumentQuerySchema,
    maxBytes: maxDocumentBytes,
  },
  form: { fields: uploadFormSchema, maxBytes: maxFormBytes },
  idempotent: true,
  responses: { 202: z.union([documentAcceptedSchema, documentsAcceptedSchema]) },
  example: { title: 'Opening hours', text: 'The office is open from 8 to 17 on weekdays.', path: 'hours.txt' },
  transaction: async (em, request, deps) => {
    if (request.form) return { status: 202, body: await acceptBatch(em, readFormBatch(request.form), request, deps) };
    if (!request.upload && request.body.url !== undefined) return acceptAddress(em, request, deps);
    const { knowledgeSource, part, ...given } = readGiven(request);
    const { workspaceId } = request.principal;
    const document = await prepareDocument(given, namesUser(request, given.user), deps);
    const { id: userId } = await actingUser(em, request, given.user);
    const knowledgeSourceId = await requireReference(
      em,
      'knowledge_sources',
      `${part}.knowledge_source`,
      knowledgeSource ?? 'uploads',
    );
    const accepted = await acceptDocuments(em, {
      workspaceId,
      jobId: uuidV7(),
      knowledgeSourceId,
      documents: [{ ...document, userId }],
    });
    const [{ documentId, unchanged }] = accepted.documents as [(typeof accepted.documents)[number]];
    const row = await findDocument(em, documentId);
    const job = accepted.jobId === null ? null : await findIngestionJob(em, accepted.jobId);
    return {
      status: 202,
      body: { document: presentDocument(row!), job: job && presentIngestionJob(job), unchanged },
    };
  },
  afterCommit: async (reply, request, deps) => {
    const several = documentsAcceptedSchema.safeParse(reply.body);
    if (several.success) return startAccepted(several.data, request, deps);
    const { document, unchanged } = documentAcceptedSchema.parse(reply.body);
    if (unchanged || !document.latest) return;
    await startIngestion(deps, request.principal.workspaceId, [
      { documentId: document.id, generation: document.latest.generation },
    ]);
  },
});

function readGiven(request: RouteRequest<unknown, unknown, CreateDocument>) {
  if (!request.upload)
    return { ...fromJson(request.body), knowledgeSource: request.body.knowledge_source, part: 'body' };
  const { bytes, mediaType, query } = request.upload;
  const { knowledge_source: knowledgeSource, ...description } = query as Omit<CreateDocument, 'text'>;
  return { ...description, bytes, mediaType, knowledgeSource, part: 'query' };
}

const createDocuments = defineRoute({
  method: 'POST',
  path: '/documents/batch',
  tag: 'Documents',
  summary: 'Ingest many documents in one job',
  description:
    'Each document is accepted, found unchanged, or refused with its own error, in the order given; those refused are ' +
    'not stored. Workflows are started after the answer.',
  scope: 'documents:write',
  body: createDocumentsSchema,
  maxBodyBytes: maxEncodedBytes,
  idempotent: true,
  responses: { 202: documentsAcceptedSchema },
  example: {
    documents: [
      { path: 'a.md', text: '# Apples\n\nApples are red.' },
      { path: 'b.md', text: '# Bees\n\nBees make honey.' },
    ],
  },
  transaction: async (em, request, deps) => {
    const { knowledge_source: knowledgeSource = 'uploads', user, documents } = request.body;
    const batch = { knowledgeSource, part: 'body', user, documents: documents.map(fromJson) };
    return { status: 202, body: await acceptBatch(em, batch, request, deps) };
  },
  afterCommit: (reply, request, deps) => startAccepted(documentsAcceptedSchema.parse(reply.body), request, deps),
});

async function startAccepted(
  { documents }: DocumentsAccepted,
  request: Pick<RouteRequest<unknown, unknown, unknown>, 'principal' | 'requestId'>,
  deps: RouteDeps,
): Promise<void> {
  const accepted = documents.flatMap(({ document_id: documentId, generation, unchanged }) =>
    documentId === null || generation === null || unchanged ? [] : [{ documentId, generation }],
  );
  // Not awaited: hundreds of starts take seconds, and what a dying process leaves undone the sweep does.
  startIngestion(deps, request.principal.workspaceId, accepted).catch((error: unknown) => {
    deps.log.warn({ request_id: request.requestId, err: error }, 'starts left to the sweep');
  });
}

/** Routes that take documents in. */
export const documentAcceptRoutes = [createDocument, createDocuments];
