import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes, type EvaluateInput } from '../contracts/names/workflows.ts';
import { readRunMemo, type EvaluationKey } from '../entities/evaluations/evaluation-repository.ts';
import type { Database } from './database.ts';
import { isWorkflowRunning } from './workflow-running.ts';

/** Brings committed runs of evaluations to their workflows. Every call may be repeated. */
export interface EvaluationStarter {
  /** Starts the workflow of an accepted run; nothing happens where it runs. */
  startEvaluation(key: EvaluationKey): Promise<void>;
  /** Asks the workflow of a run to end; nothing happens where there is none. */
  cancelEvaluation(key: EvaluationKey): Promise<void>;
  evaluationRuns(key: EvaluationKey): Promise<boolean>;
  /** The histories, as JSON, of a workflow that has ended and of the runs that it continued, oldest first; null while it is open. */
  readHistories(workflowId: string): Promise<{ runId: string; history: Uint8Array }[] | null>;
}

// A workflow that was continued this often would have done millions of items.
const mostRuns = 200;

/** Makes the starter of one process. */
export function createEvaluationStarter(client: Client, database: Pick<Database, 'inWorkspace'>): EvaluationStarter {
  const handleOf = ({ evaluationId }: EvaluationKey) => client.workflow.getHandle(workflowIds.evaluate(evaluationId));
  return {
    async startEvaluation(key) {
      const memo = await database.inWorkspace(key.workspaceId, (em) => readRunMemo(em, key));
      if (memo === null) return;
      const { workspaceId, evaluationId } = key;
      const input: EvaluateInput = { workspaceId, evaluationId };
      try {
        await client.workflow.start(workflowTypes.evaluate, {
          workflowId: workflowIds.evaluate(evaluationId),
          taskQueue: taskQueues.evaluate,
          args: [input],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: 'Evaluate a target on a data set',
          staticDetails: `Evaluation \`${evaluationId}\` of ${memo.target} on data set \`${memo.dataset}\``,
          memo,
          typedSearchAttributes: new TypedSearchAttributes([
            { key: defineSearchAttributeKey('PerdureWorkspace', 'KEYWORD'), value: workspaceId },
            { key: defineSearchAttributeKey('PerdureEvaluation', 'KEYWORD'), value: evaluationId },
            { key: defineSearchAttributeKey('PerdureStatus', 'KEYWORD'), value: 'running' },
          ]),
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },
    async cancelEvaluation(key) {
      await handleOf(key)
        .cancel()
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
    },
    evaluationRuns: (key) => isWorkflowRunning(handleOf(key)),
    async readHistories(workflowId) {
      if (await isWorkflowRunning(client.workflow.getHandle(workflowId))) return null;
      const histories: { runId: string; history: Uint8Array }[] = [];
      try {
        for (let runId: string | undefined; histories.length < mostRuns;) {
          const handle = client.workflow.getHandle(workflowId, runId);
          const own = (await handle.describe()).runId;
          const history = await handle.fetchHistory();
          histories.unshift({ runId: own, history: Buffer.from(JSON.stringify(history)) });
          const before = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
          if (!before) break;
          runId = before;
        }
      } catch (error) {
        // Runs beyond the retention are gone; what is left is kept.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
      return histories;
    },
  };
}
