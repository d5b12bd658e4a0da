import { workflowIds, type IngestDocumentInput } from '../../contracts/names/workflows.ts';
import {
  claimStrayGenerations,
  failLostGeneration,
  handToOwnWorkflow,
  noteRestart,
} from '../../entities/documents/generation-sweep-repository.ts';
import type { StrayGeneration } from '../../entities/documents/generation-sweep-repository.ts';
import type { Database } from '../../platform/database.ts';

const sweptAtOnce = 200;
// Each start comes later than the one before: about half an hour passes before a document is given up.
const mostRestarts = 5;

/** What the sweep is made with. */
export type SweepAcceptedDocumentsDeps = {
  database: Database;
  /** True if it started a run; false if one was there and works on. */
  startIngest(input: IngestDocumentInput): Promise<boolean>;
  /** Whether that workflow is open; by default, the document's own. */
  ingestRuns(input: IngestDocumentInput, workflowId?: string): Promise<boolean>;
};

/**
 * Starts the workflows of documents whose request died between the rows and the start, or whose workflow is gone; returns
 * how many it looked at. What a batch has left undone gets workflows of its own. A workflow that is ended from outside
 * again and again is not started for ever: its document fails with that as the reason. A start that fails is tried again
 * by a later sweep.
 */
export function createSweepAcceptedDocuments(deps: SweepAcceptedDocumentsDeps): () => Promise<{ swept: number }> {
  return async function sweepAcceptedDocuments() {
    const stray = await deps.database.asOperator((em) => claimStrayGenerations(em, sweptAtOnce));
    const running = new Map<string, boolean>();
    for (const generation of stray) {
      if (await isBatched(deps, generation, running)) continue;
      if (generation.restarts >= mostRestarts) await giveUp(deps, generation);
      else if (await restart(deps, generation)) {
        await deps.database.asOperator((em) => noteRestart(em, generation));
      }
    }
    return { swept: stray.length };
  };
}

/** Whether a batch that is open has the document, or will have it; `running` keeps what was asked of batches. */
async function isBatched(
  deps: SweepAcceptedDocumentsDeps,
  generation: StrayGeneration,
  running: Map<string, boolean>,
): Promise<boolean> {
  const { documentId, generation: number, workflowId } = generation;
  if (workflowId === workflowIds.ingestDocument(documentId, number)) return false;
  const known = running.get(workflowId) ?? (await deps.ingestRuns(inputOf(generation), workflowId));
  running.set(workflowId, known);
  return known;
}

/** Starts the document's own workflow, unless a batch has begun with it meanwhile. */
async function restart(deps: SweepAcceptedDocumentsDeps, generation: StrayGeneration): Promise<boolean> {
  const isGiven = await deps.database.asOperator((em) => handToOwnWorkflow(em, generation));
  return isGiven && deps.startIngest(inputOf(generation));
}

async function giveUp(deps: SweepAcceptedDocumentsDeps, generation: StrayGeneration): Promise<void> {
  if (await deps.ingestRuns(inputOf(generation))) return;
  const detail =
    `The ingestion's workflow was ended from outside ${generation.restarts + 1} times before it was done. ` +
    "Look at the workflow in Temporal's UI and at the worker's log, then retry the document.";
  await deps.database.inWorkspace(generation.workspaceId, (em) =>
    failLostGeneration(em, generation, { code: 'restarted_too_often', detail }),
  );
}

function inputOf({ workspaceId, documentId, generation }: StrayGeneration): IngestDocumentInput {
  return { workspaceId, documentId, generation };
}
