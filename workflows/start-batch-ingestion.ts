import { startChild } from '@temporalio/workflow';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import {
  defineSearchAttributeKey,
  TypedSearchAttributes,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { workflowTypes, type IngestBatchInput } from '../contracts/names/workflows.ts';
import type { ingestBatch } from './ingest-batch.ts';

/**
 * Starts the workflow that ingests several small documents as a child that outlives its parent; null if it runs already. A
 * parent that is terminated leaves it to end by itself; a cancel reaches it all the same.
 */
export async function startBatchIngestion(
  workflowId: string,
  input: IngestBatchInput,
): Promise<ChildWorkflowHandle<typeof ingestBatch> | null> {
  const { workspaceId, documents } = input;
  try {
    return await startChild<typeof ingestBatch>(workflowTypes.ingestBatch, {
      workflowId,
      taskQueue: taskQueues.ingest,
      args: [input],
      parentClosePolicy: 'ABANDON',
      cancellationType: 'WAIT_CANCELLATION_REQUESTED',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `Ingest ${documents.length} small documents`,
      staticDetails: documents
        .map(({ documentId, generation }) => `- Document \`${documentId}\`, generation ${generation}`)
        .join('\n'),
      typedSearchAttributes: new TypedSearchAttributes([
        { key: defineSearchAttributeKey('PerdureWorkspace', 'KEYWORD'), value: workspaceId },
        { key: defineSearchAttributeKey('PerdureStatus', 'KEYWORD'), value: 'processing' },
      ]),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return null;
  }
}
