import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { WorkflowStates } from '../activities/invariants/breach.ts';

/** Asks Temporal for the states of workflows. */
export function createWorkflowStates(client: Client): WorkflowStates {
  return {
    async stateOf(workflowId, runId) {
      try {
        const description = await client.workflow.getHandle(workflowId, runId).describe();
        return description.status.name === 'RUNNING' ? 'running' : 'ended';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'unknown';
        throw error;
      }
    },
    async *listRunning(workflowType) {
      const running = client.workflow.list({
        query: `WorkflowType = '${workflowType}' AND ExecutionStatus = 'Running'`,
      });
      for await (const { workflowId } of running) yield workflowId;
    },
  };
}
