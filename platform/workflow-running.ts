import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';

/** Whether the newest run of a workflow is open; false where there is none, or none any more. */
export async function isWorkflowRunning(handle: WorkflowHandle): Promise<boolean> {
  try {
    return (await handle.describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
