import { workflowIds } from '../../contracts/names/workflows.ts';
import { readStagingGenerations } from '../../entities/documents/generation-owner-repository.ts';
import type { StagingGeneration } from '../../entities/documents/generation-owner-repository.ts';
import type { ApiDeps } from '../api-deps.ts';

/** At most this many workflow starts of one request are on their way at once. */
const lanes = 8;

/**
 * Starts the workflow of each accepted generation, or that of the batch which it is part of; starting one twice is
 * harmless. Throws the first failure.
 */
export async function startIngestion(
  deps: ApiDeps,
  workspaceId: string,
  accepted: ReadonlyArray<{ documentId: string; generation: number }>,
): Promise<void> {
  const waiting = (await findStarts(deps, workspaceId, accepted)).values();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const start of waiting) await start();
    }),
  );
}

async function findStarts(
  { database, starter }: ApiDeps,
  workspaceId: string,
  accepted: ReadonlyArray<{ documentId: string; generation: number }>,
): Promise<(() => Promise<unknown>)[]> {
  // One alone is never part of a batch.
  if (accepted.length < 2) return accepted.map((document) => () => starter.startIngest({ workspaceId, ...document }));
  const staging = await database.inWorkspace(workspaceId, (em) => readStagingGenerations(em, workspaceId, accepted));
  return [...Map.groupBy(staging, ({ workflowId }) => workflowId)].map(([workflowId, generations]) => {
    const documents = generations.map(({ documentId, generation }) => ({ documentId, generation }));
    if (!isOwn(generations[0]!)) return () => starter.startIngestBatch(workflowId, { workspaceId, documents });
    return () => starter.startIngest({ workspaceId, ...documents[0]! });
  });
}

const isOwn = ({ documentId, generation, workflowId }: StagingGeneration): boolean =>
  workflowId === workflowIds.ingestDocument(documentId, generation);
