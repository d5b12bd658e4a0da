import type { BatchedDocument, IngestBatchInput } from '../../contracts/names/workflows.ts';
import { readStagingGenerations } from '../../entities/documents/generation-owner-repository.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { isFenced } from './ingestion-failure.ts';
import { prepare } from './prepare-document.ts';
import type { PreparationOrder } from './prepare-document.ts';
import { runBatchStep, type OwnedStep } from './run-step.ts';

/** What became of a batch; `superseded` are those of the active ones that may have replaced others. */
export type IngestedBatch = { active: number; gone: number; left: BatchedDocument[]; superseded: BatchedDocument[] };

// So many documents wait for their provider at once, while another is read.
const lanes = 8;

/**
 * Ingests small documents, each in transactions of its own. What does not end well here, for whatever reason, is left:
 * a workflow of its own tries it again, or says why it failed. So does all that a crash or a shutdown has cut off, for a
 * second attempt only looks what the first has left.
 */
export function createIngestSmall(
  deps: IngestionDeps,
): (input: IngestBatchInput, order: Required<Omit<PreparationOrder, 'finishSmall'>>) => Promise<IngestedBatch> {
  return async function ingestSmall({ workspaceId, documents }, order) {
    return runBatchStep(async ({ runId, attempt, ...step }) => {
      if (attempt > 1) {
        const rest = await deps.database.inWorkspace(workspaceId, (em) =>
          readStagingGenerations(em, workspaceId, documents),
        );
        const left = rest.map(({ documentId, generation }) => ({ documentId, generation }));
        return { active: 0, gone: documents.length - left.length, left, superseded: [] };
      }
      const batch: IngestedBatch = { active: 0, gone: 0, left: [], superseded: [] };
      const waiting = documents.values();
      const lane = async () => {
        for (const document of waiting) {
          const run = { workspaceId, ...document, runId };
          await ingestOne(deps, { ...step, attempt, run }, { ...order, finishSmall: true }, batch);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return batch;
    });
  };
}

async function ingestOne(
  deps: IngestionDeps,
  step: OwnedStep,
  order: PreparationOrder,
  batch: IngestedBatch,
): Promise<void> {
  const { documentId, generation } = step.run;
  try {
    step.signal.throwIfAborted();
    const { state, superseded } = await prepare(deps, step, order);
    if (state === 'larger' || state === 'staging') batch.left.push({ documentId, generation });
    else if (state === 'active') batch.active += 1;
    else batch.gone += 1;
    if (superseded) batch.superseded.push({ documentId, generation });
  } catch (error) {
    step.signal.throwIfAborted();
    if (isFenced(error)) batch.gone += 1;
    else batch.left.push({ documentId, generation });
  }
}
