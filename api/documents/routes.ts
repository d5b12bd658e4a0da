import { documentSchema, listDocumentsQuerySchema } from '../../contracts/document.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { documentsChannel } from '../../contracts/names/limits.ts';
import { pageOf } from '../../contracts/page.ts';
import { deleteDocument, listDocuments, readDocumentContent } from '../../entities/documents/document-repository.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import { findUser } from '../../entities/tenancy/user-repository.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { watchDocument } from '../streams/watch-ingestion.ts';
import { cancelIngestion } from './cancel-ingestion.ts';
import { documentAcceptRoutes } from './accept-routes.ts';
import { findVisibleDocument } from './find-visible-document.ts';
import { presentDocument } from './present-document.ts';
import { documentWorkRoutes } from './work-routes.ts';

/** A user who was never seen owns nothing; this id belongs to no row. */
const nobody = '00000000-0000-0000-0000-000000000000';

const list = defineRoute({
  method: 'GET',
  path: '/documents',
  tag: 'Documents',
  summary: 'List documents, newest first',
  scope: 'documents:read',
  query: listDocumentsQuerySchema,
  responses: { 200: pageOf(documentSchema) },
  transaction: async (em, { query, user }) => {
    const { limit, status, path } = query;
    const afterId = readCursor(query.cursor, uuidCursor);
    const source = query.knowledge_source && (await findNamedId(em, 'knowledge_sources', query.knowledge_source));
    if (source === null) return { status: 200, body: { data: [], next_cursor: null } };
    const named = query.user ?? user;
    const rows = await listDocuments(em, {
      ...(status ? { status } : {}),
      ...(source ? { knowledgeSourceId: source } : {}),
      ...(path ? { sourcePath: path } : {}),
      ...(named ? { visibleTo: (await findUser(em, named)) ?? nobody } : {}),
      ...(afterId ? { afterId } : {}),
      limit: limit + 1,
    });
    return { status: 200, body: toPage(rows, limit, (row) => row.id, presentDocument) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/documents/{id}',
  tag: 'Documents',
  summary: 'One document and the progress of its newest generation',
  scope: 'documents:read',
  params: idParamsSchema,
  responses: { 200: documentSchema },
  transaction: async (em, { params, user }) => ({
    status: 200,
    body: presentDocument(await findVisibleDocument(em, params.id, user)),
  }),
});

const content = defineRoute({
  method: 'GET',
  path: '/documents/{id}/content',
  tag: 'Documents',
  summary: 'The text that is searched and cited; start_char and end_char count its UTF-16 code units',
  scope: 'documents:read',
  params: idParamsSchema,
  responses: { 200: { mediaType: 'text/plain; charset=utf-8', description: 'The extracted text' } },
  problems: [409],
  transaction: async (em, { params, user }) => {
    const document = await findVisibleDocument(em, params.id, user);
    const text = await readDocumentContent(em, params.id);
    if (!text)
      throw new PerdureError('conflict', `The document is ${document.status}: no generation of it is served yet.`);
    return {
      status: 200,
      // Plain text whatever the source was: a browser must not run what somebody ingested.
      content: { mediaType: 'text/plain; charset=utf-8', text: text.content },
      headers: { 'x-perdure-generation': String(text.generation) },
    };
  },
});

const events = defineRoute({
  method: 'GET',
  path: '/documents/{id}/events',
  tag: 'Documents',
  summary: 'Events of a document until its newest generation is served or has failed',
  description: 'Server-sent events: `progress` with the document at each change, then one `done`, or `deleted`.',
  scope: 'documents:read',
  params: idParamsSchema,
  responses: { 200: { mediaType: 'text/event-stream', description: 'progress, done, deleted' } },
  stream: async ({ params, user, principal }, deps) => {
    await deps.database.inWorkspace(principal.workspaceId, (em) => findVisibleDocument(em, params.id, user));
    return (stream) => watchDocument({ deps, stream, workspaceId: principal.workspaceId, id: params.id });
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/documents/{id}',
  tag: 'Documents',
  summary: 'Delete a document with its text, chunks and embeddings; final once answered',
  scope: 'documents:write',
  params: idParamsSchema,
  responses: { 204: null },
  transaction: async (em, { params, user, principal }, deps) => {
    await findVisibleDocument(em, params.id, user);
    const { workspaceId } = principal;
    const { deleted, abandoned } = await deleteDocument(em, { workspaceId, documentId: params.id });
    if (!deleted) throw notFound('document');
    return {
      status: 204,
      afterCommit: async () => {
        deps.notifier.notify(documentsChannel, [params.id]);
        await cancelIngestion(deps, abandoned);
      },
    };
  },
});

/** Routes of documents. */
export const documentRoutes = [...documentAcceptRoutes, ...documentWorkRoutes, list, get, content, events, remove];
