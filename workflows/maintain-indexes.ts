import {
  ChildWorkflowFailure,
  continueAsNew,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { createModelActivities } from '../activities/embedding-models/create-model-activities.ts';
import { workflowIds, type IndexModelInput, type MaintainIndexesInput } from '../contracts/names/workflows.ts';
import { indexStepOptions } from './activity-options.ts';
import { maintainIndex } from './maintain-index.ts';

const { listModelsToMaintain } = proxyActivities<ReturnType<typeof createModelActivities>>(indexStepOptions);

/**
 * Maintains the indexes of one model after the other. A model whose maintenance fails has said so in its own report, and
 * holds up no other; one that is being maintained is left to that run. A run that is ended leaves its model to itself.
 */
export async function maintainIndexes({ after, done = 0 }: MaintainIndexesInput = {}): Promise<{ models: number }> {
  let models = done;
  let last = after;
  for (;;) {
    const page = await listModelsToMaintain(last ?? null);
    if (page.length === 0) return { models };
    for (const model of page) {
      await maintain(model);
      models += 1;
      last = model.modelId;
      setCurrentDetails(`${models} models looked after`);
    }
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof maintainIndexes>({ done: models, ...(last !== undefined && { after: last }) });
  }
}

async function maintain(model: IndexModelInput): Promise<void> {
  try {
    await executeChild(maintainIndex, {
      workflowId: workflowIds.maintainIndex(model.modelId),
      args: [model],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: 'Maintain the indexes of an embedding model',
      staticDetails: `Model \`${model.modelId}\``,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (!(error instanceof ChildWorkflowFailure) && !(error instanceof WorkflowExecutionAlreadyStartedError))
      throw error;
  }
}
