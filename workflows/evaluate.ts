import { defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  continueAsNew,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { createEvaluationActivities } from '../activities/evaluation/create-evaluation-activities.ts';
import type { EvaluateInput, EvaluateResult, EvaluationLayout } from '../contracts/names/workflows.ts';
import { describeBlock } from '../domain/evaluations/describe-block.ts';
import {
  beginEvaluationOptions,
  evaluateItemsOptions,
  finishEvaluationOptions,
  holdTurnsOptions,
  stopEvaluationOptions,
} from './evaluate-options.ts';
import { codeOfStep, describeStep, isOfStep } from './step-failure.ts';

type Steps = ReturnType<typeof createEvaluationActivities>;

const { beginEvaluation } = proxyActivities<Steps>(beginEvaluationOptions);
const { evaluateItems } = proxyActivities<Steps>(evaluateItemsOptions);
const { holdTurns } = proxyActivities<Steps>(holdTurnsOptions);
const { finishEvaluation } = proxyActivities<Steps>(finishEvaluationOptions);
const { stopEvaluation } = proxyLocalActivities<Steps>(stopEvaluationOptions);

// About six events each: half of what Temporal takes without a warning.
const usualBlocksPerRun = 600;

const attributes = {
  status: defineSearchAttributeKey('PerdureStatus', 'KEYWORD'),
};

/**
 * Measures a target on a data set: lanes take blocks of items until none is open, then the run is aggregated, compared and
 * judged. What was done stands in the database, so any run of this workflow, also one that continues another, goes on
 * where the rows are.
 */
export async function evaluate(input: EvaluateInput): Promise<EvaluateResult> {
  try {
    const layout = await beginEvaluation(input);
    if (!layout.isOpen) return { state: 'gone', verdict: null };
    if (layout.holdsTurns) await holdConversations(input);
    const left = await workThrough(input, layout);
    if (left > 0) await continueAsNew<typeof evaluate>(input);
    const result = await CancellationScope.nonCancellable(() => finishEvaluation(input));
    tell(result);
    return result;
  } catch (error) {
    if (codeOfStep(error) === 'fenced') return { state: 'gone', verdict: null };
    if (!isOfStep(error)) throw error;
    return CancellationScope.nonCancellable(() => stop(input, error));
  }
}

/** Hands the blocks to the lanes, in order; returns how many are left for the next run. */
async function workThrough(input: EvaluateInput, layout: EvaluationLayout): Promise<number> {
  const { blocks, itemsPerBlock, total } = layout;
  const lanes = layout.atOnce ?? Array.from({ length: layout.lanes }, () => 1);
  const most = input.blocksPerRun ?? usualBlocksPerRun;
  let next = 0;
  let done = 0;
  const isFull = (): boolean => next >= most || workflowInfo().continueAsNewSuggested;
  const lane = async (atOnce: number): Promise<void> => {
    while (next < blocks.length && !isFull()) {
      const from = blocks[next]! * itemsPerBlock;
      next += 1;
      const range = { from, to: Math.min(from + itemsPerBlock, total) };
      const summary = describeBlock(range, layout);
      const { workspaceId, evaluationId } = input;
      await evaluateItems.executeWithOptions({ summary }, [
        { workspaceId, evaluationId, ...range, atOnce, scoringOnly: layout.scoringOnly },
      ]);
      done += 1;
      setCurrentDetails(`${done} of ${blocks.length} blocks with open items done by this run, ${total} items in all`);
    }
  };
  await Promise.all(lanes.slice(0, blocks.length).map(lane));
  return blocks.length - next;
}

/** Holds the conversations of an agent until all have ended; no step waits for a turn, which may need its slot. */
async function holdConversations(input: EvaluateInput): Promise<void> {
  for (let pauseMs = 250; ;) {
    const { ended, under, waiting } = await holdTurns.executeWithOptions({ summary: 'Hold conversations' }, [input]);
    setCurrentDetails(`${under} conversations under way, ${waiting} to come`);
    if (under + waiting === 0) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof evaluate>(input);
    pauseMs = ended > 0 ? 250 : Math.min(pauseMs * 1.5, 5_000);
    await sleep(pauseMs, { summary: 'Until turns have ended' });
  }
}

async function stop(input: EvaluateInput, error: unknown): Promise<EvaluateResult> {
  const isCancelled = isCancellation(error);
  const result = await stopEvaluation(input, {
    status: isCancelled ? 'cancelled' : 'failed',
    error: isCancelled
      ? {
          code: 'cancelled',
          detail: 'The run was cancelled on request. What it has measured stays; retry it to go on.',
        }
      : describeStep(error),
  });
  tell(result);
  return result;
}

function tell({ state, verdict }: EvaluateResult): void {
  setCurrentDetails(verdict === null ? state : `${state}: ${verdict}`);
  upsertSearchAttributes([{ key: attributes.status, value: verdict ?? state }]);
  if (verdict !== null) upsertMemo({ verdict });
}
