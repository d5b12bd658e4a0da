import { WorkflowNotFoundError, type Client } from '@temporalio/client';

/** Whether a workflow runs, has ended, or is not known (its history may have been forgotten). */
export async function workflowState(client: Client, workflowId: string): Promise<'running' | 'ended' | 'unknown'> {
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    return description.status.name === 'RUNNING' ? 'running' : 'ended';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'unknown';
    throw error;
  }
}
