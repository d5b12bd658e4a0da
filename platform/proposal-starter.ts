import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../contracts/names/workflows.ts';
import type { ProposalKey } from '../entities/evaluations/case-proposal-repository.ts';
import { isWorkflowRunning } from './workflow-running.ts';

/** Brings committed proposals of cases to their workflows. Every call may be repeated. */
export interface ProposalStarter {
  /** Starts the workflow of an accepted proposal; nothing happens where it runs. */
  startProposal(key: ProposalKey): Promise<void>;
  /** Asks the workflow of a proposal to end; nothing happens where there is none. */
  cancelProposal(key: ProposalKey): Promise<void>;
  proposalRuns(key: ProposalKey): Promise<boolean>;
}

/** Makes the starter of one process. */
export function createProposalStarter(client: Client): ProposalStarter {
  const handleOf = ({ proposalId }: ProposalKey) => client.workflow.getHandle(workflowIds.proposeCases(proposalId));
  return {
    async startProposal({ workspaceId, proposalId }) {
      try {
        await client.workflow.start(workflowTypes.proposeCases, {
          workflowId: workflowIds.proposeCases(proposalId),
          taskQueue: taskQueues.evaluate,
          args: [{ workspaceId, proposalId }],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: 'Propose cases for a data set',
          staticDetails: `Proposal \`${proposalId}\``,
          typedSearchAttributes: new TypedSearchAttributes([
            { key: defineSearchAttributeKey('PerdureWorkspace', 'KEYWORD'), value: workspaceId },
          ]),
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },
    async cancelProposal(key) {
      await handleOf(key)
        .cancel()
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
    },
    proposalRuns: (key) => isWorkflowRunning(handleOf(key)),
  };
}
