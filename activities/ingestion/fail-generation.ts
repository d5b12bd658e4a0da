import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { failGeneration as fail } from '../../entities/documents/document-generation-repository.ts';
import type { GenerationEnd } from '../../entities/documents/end-generation.ts';
import { forgetUsageOfEnded } from '../../entities/usage/embedding-usage-repository.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { runStep } from './run-step.ts';

/** Why a generation cannot be finished; `code` is one of contracts/errors.ts, `detail` says what to do. */
export type GenerationFailure = { status: 'failed' | 'cancelled'; code: string; detail: string };

/**
 * The compensation of all steps at once: chunks and vectors go, and the document is again what it was before. Running it
 * again, or after another run has taken over, changes nothing.
 */
export function createFailGeneration(
  deps: IngestionDeps,
): (input: IngestDocumentInput, failure: GenerationFailure) => Promise<{ state: GenerationEnd | 'fenced' }> {
  return async function failGeneration(input, { status, code, detail }) {
    return runStep(input, async ({ run }) => {
      const state = await deps.database.inWorkspace(run.workspaceId, async (em) => {
        const end = await fail(em, run, { status, error: { code, detail } });
        if (end !== 'fenced') await forgetUsageOfEnded(em, [run]);
        return end;
      });
      deps.notifyDocument(run.documentId);
      return { state };
    });
  };
}
