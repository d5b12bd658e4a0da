import type { ApiDeps } from '../api-deps.ts';

/** At most this many workflow starts of one request are on their way at once. */
const lanes = 8;

/** Starts the workflow of each accepted generation; starting one twice is harmless. Throws the first failure. */
export async function startIngestion(
  deps: ApiDeps,
  workspaceId: string,
  accepted: ReadonlyArray<{ documentId: string; generation: number }>,
): Promise<void> {
  const waiting = accepted.values();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const document of waiting) await deps.starter.startIngest({ workspaceId, ...document });
    }),
  );
}
