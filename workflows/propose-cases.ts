import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { createEvaluationActivities } from '../activities/evaluation/create-evaluation-activities.ts';
import type { ProposeCasesInput, ProposeCasesResult } from '../contracts/names/workflows.ts';
import { beginEvaluationOptions, evaluateItemsOptions, stopEvaluationOptions } from './evaluate-options.ts';
import { codeOfStep, describeStep, isOfStep } from './step-failure.ts';

type Steps = ReturnType<typeof createEvaluationActivities>;

const { beginProposing } = proxyActivities<Steps>({ ...beginEvaluationOptions, summary: 'Find open passages' });
const { proposeFromPassages } = proxyActivities<Steps>(evaluateItemsOptions);
const { endProposing } = proxyLocalActivities<Steps>({ ...stopEvaluationOptions, summary: 'End the proposal' });

// A model that writes questions is asked slowly enough to leave room for turns.
const lanes = 2;

/**
 * Has a model write questions for a data set, passage by passage. What was done stands in the database, so any run of this
 * workflow goes on where the rows are; the cases wait for a person.
 */
export async function proposeCases(input: ProposeCasesInput): Promise<ProposeCasesResult> {
  try {
    const { isOpen, blocks } = await beginProposing(input);
    if (!isOpen) return { state: 'gone' };
    let next = 0;
    let proposed = 0;
    const lane = async (): Promise<void> => {
      while (next < blocks.length) {
        const ordinals = blocks[next]!;
        next += 1;
        const summary = `Passages ${ordinals[0]! + 1} to ${ordinals.at(-1)! + 1}`;
        proposed += (await proposeFromPassages.executeWithOptions({ summary }, [{ ...input, ordinals }])).proposed;
        setCurrentDetails(`${proposed} cases proposed by this run, ${blocks.length - next} blocks of passages to come`);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return await CancellationScope.nonCancellable(() => endProposing(input, null));
  } catch (error) {
    if (codeOfStep(error) === 'fenced') return { state: 'gone' };
    if (!isOfStep(error)) throw error;
    const cancelled = {
      status: 'cancelled' as const,
      error: { code: 'cancelled', detail: 'It was cancelled on request. What was proposed stays.' },
    };
    const stop = isCancellation(error) ? cancelled : { status: 'failed' as const, error: describeStep(error) };
    return CancellationScope.nonCancellable(() => endProposing(input, stop));
  }
}
