import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { claimStrayGenerations } from '../../entities/documents/generation-sweep-repository.ts';
import type { Database } from '../../platform/database.ts';

const sweptAtOnce = 200;

/** What the sweep is made with; starting a workflow that runs already is harmless. */
export type SweepAcceptedDocumentsDeps = {
  database: Database;
  startIngest(input: IngestDocumentInput): Promise<void>;
};

/**
 * Starts the workflows of documents whose request died between the rows and the start, or whose workflow is gone; returns
 * how many. A start that fails is tried again by a later sweep.
 */
export function createSweepAcceptedDocuments(deps: SweepAcceptedDocumentsDeps): () => Promise<{ swept: number }> {
  return async function sweepAcceptedDocuments() {
    const stray = await deps.database.asOperator((em) => claimStrayGenerations(em, sweptAtOnce));
    for (const { workspaceId, documentId, generation } of stray) {
      await deps.startIngest({ workspaceId, documentId, generation });
    }
    return { swept: stray.length };
  };
}
