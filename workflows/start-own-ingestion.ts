import { startChild } from '@temporalio/workflow';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import {
  defineSearchAttributeKey,
  TypedSearchAttributes,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes, type IngestDocumentInput } from '../contracts/names/workflows.ts';
import type { ingestDocument } from './ingest-document.ts';

/**
 * Starts the workflow of one document as a child that outlives its parent; null if one runs already. A parent that is
 * terminated leaves it to end by itself; a cancel that its caller passes on reaches it all the same.
 */
export async function startOwnIngestion(
  input: IngestDocumentInput,
): Promise<ChildWorkflowHandle<typeof ingestDocument> | null> {
  const { workspaceId, documentId, generation } = input;
  try {
    return await startChild<typeof ingestDocument>(workflowTypes.ingestDocument, {
      workflowId: workflowIds.ingestDocument(documentId, generation),
      taskQueue: taskQueues.ingest,
      args: [input],
      parentClosePolicy: 'ABANDON',
      cancellationType: 'WAIT_CANCELLATION_REQUESTED',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: 'Ingest one document',
      staticDetails: `Document \`${documentId}\`, generation ${generation}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: defineSearchAttributeKey('PerdureWorkspace', 'KEYWORD'), value: workspaceId },
        { key: defineSearchAttributeKey('PerdureDocument', 'KEYWORD'), value: documentId },
        { key: defineSearchAttributeKey('PerdureStatus', 'KEYWORD'), value: 'processing' },
      ]),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return null;
  }
}
