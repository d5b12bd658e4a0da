import type { EntityManager } from '@mikro-orm/postgresql';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import type { DocumentsAccepted } from '../../contracts/document.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { acceptDocuments } from '../../entities/documents/accept-documents.ts';
import type { DocumentToAccept } from '../../entities/documents/reserve-generation.ts';
import { findIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import type { ApiDeps } from '../api-deps.ts';
import { actingUser, namesUser } from '../framework/acting-user.ts';
import { requireReference } from '../framework/require-reference.ts';
import type { RouteRequest } from '../framework/route.ts';
import { presentIngestionJob } from '../ingestion-jobs/present-ingestion-job.ts';
import { presentDocumentError } from './present-document-error.ts';
import { prepareDocument } from './prepare-document.ts';
import type { GivenDocument } from './prepare-document.ts';

type Item = DocumentsAccepted['documents'][number];

/** Documents of one request, in its order; `user` owns those that name none. */
export type GivenBatch = {
  knowledgeSource: string;
  part: string;
  user: string | undefined;
  documents: GivenDocument[];
};

/** Accepts what can be ingested in one job, and says of each refused document why; keeps the order of the request. */
export async function acceptBatch(
  em: EntityManager,
  batch: GivenBatch,
  request: Pick<RouteRequest<unknown, unknown, unknown>, 'principal' | 'user'>,
  deps: ApiDeps,
): Promise<DocumentsAccepted> {
  const field = `${batch.part}.knowledge_source`;
  const knowledgeSourceId = await requireReference(em, 'knowledge_sources', field, batch.knowledgeSource);
  const { items, documents } = await prepareAll(em, batch, request, deps);
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
  batch: GivenBatch,
  request: Pick<RouteRequest<unknown, unknown, unknown>, 'principal' | 'user'>,
  deps: ApiDeps,
): Promise<{ items: Item[]; documents: DocumentToAccept[] }> {
  const items: Item[] = [];
  const documents: DocumentToAccept[] = [];
  const owners = new Map<string | undefined, string>();
  for (const [index, given] of batch.documents.entries()) {
    const item = {
      index,
      path: given.path ?? given.fileName ?? null,
      document_id: null,
      generation: null,
      unchanged: false,
      error: null,
    };
    const named = given.user ?? batch.user;
    try {
      const document = await prepareDocument(given, namesUser(request, named), deps);
      const userId = owners.get(named) ?? (await actingUser(em, request, named)).id;
      owners.set(named, userId);
      documents.push({ ...document, userId });
      items.push(item);
    } catch (error) {
      if (!(error instanceof PerdureError)) throw error;
      items.push({ ...item, error: presentDocumentError({ code: error.code, detail: error.detail }) });
    }
  }
  return { items, documents };
}
