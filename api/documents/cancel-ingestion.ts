import type { ApiDeps } from '../api-deps.ts';

/**
 * Tells the workflows of generations that were ended, so that they stop at once. Their rows have ended already: a
 * workflow that is not reached meets the fence at its next step.
 */
export async function cancelIngestion(
  deps: ApiDeps,
  ended: ReadonlyArray<{ documentId: string; generation: number }>,
): Promise<void> {
  for (const ingest of ended) await deps.starter.cancelIngest(ingest);
}
