import type { EntityManager } from '@mikro-orm/postgresql';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import type { CreateDocuments, DocumentsAccepted } from '../../contracts/document.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { acceptDocuments } from '../../entities/documents/accept-documents.ts';
import type { DocumentToAccept } from '../../entities/documents/reserve-generation.ts';
import { findIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import type { ApiDeps } from '../api-deps.ts';
import { actingUser, namesUser } from '../framework/acting-user.ts';
import { requireReference } from '../framework/require-reference.ts';
import type { RouteRequest } from '../framework/route.ts';
import { presentIngestionJob } from '../ingestion-jobs/present-ingestion-job.ts';
import { fromJson, prepareDocument } from './prepare-document.ts';

type Item = DocumentsAccepted['documents'][number];

/** Accepts what can be ingested in one job, and says of each refused document why; keeps the order of the request. */
export async function acceptBatch(
  em: EntityManager,
  request: RouteRequest<unknown, unknown, CreateDocuments>,
  deps: ApiDeps,
): Promise<DocumentsAccepted> {
  const { body } = request;
  const source = body.knowledge_source ?? 'uploads';
  const knowledgeSourceId = await requireReference(em, 'knowledge_sources', 'body.knowledge_source', source);
  const { items, documents } = await prepareAll(em, request, deps);
  if (documents.length === 0) return { job: null, documents: items };
  const accepted = await acceptDocuments(em, {
    workspaceId: request.principal.workspaceId,
    jobId: uuidV7(),
    knowledgeSourceId,
    documents,
  });
  const results = accepted.documents.values();
  for (const item of items) {
    if (item.error) continue;
    const result = results.next().value;
    if (!result) throw new Error('fewer documents were accepted than were given');
    Object.assign(item, {
      document_id: result.documentId,
      generation: result.generation,
      unchanged: result.unchanged,
    });
  }
  const job = accepted.jobId === null ? null : await findIngestionJob(em, accepted.jobId);
  return { job: job && presentIngestionJob(job), documents: items };
}

async function prepareAll(
  em: EntityManager,
  request: RouteRequest<unknown, unknown, CreateDocuments>,
  deps: ApiDeps,
): Promise<{ items: Item[]; documents: DocumentToAccept[] }> {
  const items: Item[] = [];
  const documents: DocumentToAccept[] = [];
  const owners = new Map<string | undefined, string>();
  for (const [index, given] of request.body.documents.entries()) {
    const item = {
      index,
      path: given.path ?? null,
      document_id: null,
      generation: null,
      unchanged: false,
      error: null,
    };
    const named = given.user ?? request.body.user;
    try {
      const document = prepareDocument(fromJson(given), namesUser(request, named), deps);
      const userId = owners.get(named) ?? (await actingUser(em, request, named)).id;
      owners.set(named, userId);
      documents.push({ ...document, userId });
      items.push(item);
    } catch (error) {
      if (!(error instanceof PerdureError)) throw error;
      items.push({ ...item, error: { code: error.code, detail: error.detail } });
    }
  }
  return { items, documents };
}
