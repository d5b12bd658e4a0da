import type { EntityManager } from '@mikro-orm/postgresql';
import type { CreateDocument } from '../../contracts/document.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { findDocument } from '../../entities/documents/document-repository.ts';
import { findIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import { acceptAddress as accept } from '../../entities/sources/accept-address.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { actingUser, namesUser } from '../framework/acting-user.ts';
import { requireReference } from '../framework/require-reference.ts';
import type { Reply, RouteDeps, RouteRequest } from '../framework/route.ts';
import { presentIngestionJob } from '../ingestion-jobs/present-ingestion-job.ts';
import { requireSource } from '../knowledge-sources/require-source.ts';
import { presentDocument } from './present-document.ts';

/**
 * Accepts a document by its address: a worker fetches it, within the address policy, and ingests it. Nothing is fetched
 * while the request waits.
 * @throws PerdureError `bad_request` for a source that lists its documents itself.
 */
export async function acceptAddress(
  em: EntityManager,
  request: RouteRequest<unknown, unknown, CreateDocument>,
  deps: RouteDeps,
): Promise<Reply> {
  const { body, principal } = request;
  const url = new URL(body.url ?? '').href;
  const name = body.knowledge_source ?? 'uploads';
  const knowledgeSourceId = await requireReference(em, 'knowledge_sources', 'body.knowledge_source', name);
  const source = await requireSource(em, knowledgeSourceId);
  if (source.type !== 'upload')
    throw new PerdureError(
      'bad_request',
      `body.knowledge_source: "${source.name}" lists its documents itself; sync it.`,
    );
  const { id: userId } = await actingUser(em, request, body.user);
  const sync = { workspaceId: principal.workspaceId, knowledgeSourceId, syncId: uuidV7(), jobId: uuidV7() };
  const documentId = await accept(em, sync, {
    documentId: uuidV7(),
    path: body.path ?? url,
    title: body.title || titleOf(url),
    description: {
      source_url: url,
      user_id: userId,
      is_global: body.is_global ?? !namesUser(request, body.user),
      ...(body.title ? { title: body.title } : {}),
      ...(body.author === undefined ? {} : { author: body.author }),
      ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
      ...(body.document_type === undefined ? {} : { document_type: body.document_type }),
      ...(body.password === undefined ? {} : { password_sealed: deps.seal(body.password) }),
    },
  });
  const row = await findDocument(em, documentId);
  const job = await findIngestionJob(em, sync.jobId);
  return {
    status: 202,
    body: { document: presentDocument(row!), job: job && presentIngestionJob(job), unchanged: false },
    afterCommit: () => deps.starter.startSync({ ...sync, kind: 'items' }),
  };
}

function titleOf(url: string): string {
  const { pathname, hostname } = new URL(url);
  return (pathname.split('/').findLast((part) => part !== '') ?? hostname).slice(0, 500);
}
