import {
  ActivityFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { createIngestionActivities } from '../activities/ingestion/create-ingestion-activities.ts';
import { smallDocumentBytes } from '../contracts/names/small-documents.ts';
import type { BatchedDocument, IngestBatchInput, IngestBatchResult } from '../contracts/names/workflows.ts';
import { dropSupersededOptions, failGenerationOptions, ingestSmallOptions } from './activity-options.ts';
import { startOwnIngestion } from './start-own-ingestion.ts';

type Steps = ReturnType<typeof createIngestionActivities>;

const { ingestSmall } = proxyActivities<Steps>(ingestSmallOptions);
const { dropSuperseded } = proxyActivities<Steps>(dropSupersededOptions);
const { failGeneration } = proxyActivities<Steps>(failGenerationOptions);

const status = defineSearchAttributeKey('PerdureStatus', 'KEYWORD');
const onRequest = 'The ingestion was cancelled on request. Retry the document to ingest it.';

/**
 * Ingests small documents that were accepted together, in one step: a workflow for each would cost Temporal more than the
 * documents cost. Whatever does not end well in it gets a workflow of its own, which tries it again or says why it failed,
 * so this one only ever fails with the program. A sync starts those itself, for it has only so many under way.
 */
export async function ingestBatch(input: IngestBatchInput): Promise<IngestBatchResult> {
  const { workspaceId, documents, returnsLeft = false } = input;
  try {
    setCurrentDetails(`Ingesting ${documents.length} documents`);
    const summary = `Ingest ${documents.length} small documents`;
    const order = { startedAt: workflowInfo().runStartTime.toISOString(), largestBytes: smallDocumentBytes };
    const { active, gone, left, superseded } = await ingestSmall.executeWithOptions({ summary }, [input, order]);
    if (!returnsLeft) await Promise.all(left.map((document) => startOwnIngestion({ workspaceId, ...document })));
    await Promise.all(superseded.map((document) => dropQuietly(workspaceId, document)));
    end('done', `${active} active, ${gone} ended otherwise, ${left.length} left to workflows of their own`);
    return { active, gone, left: left.length, ...(returnsLeft ? { returned: left } : {}) };
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => cancelAll(input));
    end('cancelled', 'cancelled');
    throw new CancelledFailure(onRequest);
  }
}

function end(state: string, details: string): void {
  upsertSearchAttributes([{ key: status, value: state }]);
  setCurrentDetails(details);
}

/**
 * Undoes those that have not ended; one that a workflow of its own has taken over is left to it. What those that were
 * published have replaced is dropped.
 */
async function cancelAll({ workspaceId, documents }: IngestBatchInput): Promise<void> {
  const failure = { status: 'cancelled', code: 'cancelled', detail: onRequest } as const;
  const options = { summary: 'Undo, because of a cancel' };
  await Promise.all(
    documents.map(async (document) => {
      const { state } = await failGeneration.executeWithOptions(options, [{ workspaceId, ...document }, failure]);
      // It was served before the cancel came, and the step that knew what it replaced has not told.
      const mayReplace = state === 'active' && document.generation > 1;
      if (mayReplace && patched('cancelled-batch-drops')) await dropQuietly(workspaceId, document);
    }),
  );
}

/** The new generation is served already: a failure to clear up must not undo that. */
async function dropQuietly(workspaceId: string, document: BatchedDocument): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() => dropSuperseded({ workspaceId, ...document }));
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
  }
}
