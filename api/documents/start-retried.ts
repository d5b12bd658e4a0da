import { documentsRetriedSchema } from '../../contracts/document.ts';
import type { Reply, RouteDeps, RouteRequest } from '../framework/route.ts';
import { startIngestion } from './start-ingestion.ts';

/** After the commit of a retry: starts its workflows. What a dying process leaves undone the sweep does. */
export async function startRetried(
  reply: Reply,
  request: Pick<RouteRequest<unknown, unknown, unknown>, 'principal' | 'requestId'>,
  deps: RouteDeps,
): Promise<void> {
  const { documents } = documentsRetriedSchema.parse(reply.body);
  const retried = documents.map(({ document_id: documentId, generation }) => ({ documentId, generation }));
  // Not awaited: hundreds of starts take seconds.
  startIngestion(deps, request.principal.workspaceId, retried).catch((error: unknown) => {
    deps.log.warn({ request_id: request.requestId, err: error }, 'starts left to the sweep');
  });
}
