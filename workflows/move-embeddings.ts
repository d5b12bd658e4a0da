import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { createModelActivities } from '../activities/embedding-models/create-model-activities.ts';
import type { MoveEmbeddingsInput, MoveEmbeddingsResult } from '../contracts/names/workflows.ts';
import { embedMovedOptions, moveStepOptions } from './activity-options.ts';

type Steps = ReturnType<typeof createModelActivities>;
type EmbeddedDocuments = Awaited<ReturnType<Steps['embedMoved']>>;
type ComeAgain = NonNullable<EmbeddedDocuments['again']>;

const { beginMove, switchModel, finishMove, clearVectors } = proxyActivities<Steps>(moveStepOptions);
const { embedMoved } = proxyActivities<Steps>(embedMovedOptions);

// One pass is usual. Another is needed where a document came whose ingestion had begun before the move.
const mostPasses = 5;

/**
 * Embeds what RAG tools read with another model, verifies that nothing is missing, lets the tools search by it, and deletes
 * the vectors that nothing reads any more. Until the switch all search by the former model. What was done stands in the
 * database, so any run goes on where the work is.
 */
export async function moveEmbeddings(input: MoveEmbeddingsInput): Promise<MoveEmbeddingsResult> {
  const begun = await beginMove(input);
  if (!begun) return { state: 'gone' };
  if (begun.phase === 'clear') {
    await clear(input);
    return { state: 'gone' };
  }
  try {
    const state = await embedAndSwitch(input);
    if (state === 'completed') await clear(input);
    return { state };
  } catch (error) {
    if (!isCancellation(error) && !(error instanceof ActivityFailure) && !(error instanceof ApplicationFailure))
      throw error;
    return CancellationScope.nonCancellable(() => stop(input, error));
  }
}

async function embedAndSwitch(input: MoveEmbeddingsInput): Promise<'completed' | 'gone'> {
  let documents = 0;
  for (;;) {
    let last: ComeAgain | null = null;
    for (let more = true; more;) {
      const step: EmbeddedDocuments = await embedMoved(input, last);
      ({ more } = step);
      documents += step.documents;
      setCurrentDetails(`${documents} documents embedded by this run`);
      if (more && workflowInfo().continueAsNewSuggested) await continueAsNew<typeof moveEmbeddings>(input);
      last = step.again ?? null;
      // Results of earlier releases have no `again`: their steps wait themselves.
      if (last) await sleep(last.afterMs, { summary: 'Until the model may be called again' });
    }
    setCurrentDetails('Verifying');
    const switched = await CancellationScope.nonCancellable(() => switchModel(input));
    if (switched.state === 'switched') return 'completed';
    if (switched.state === 'gone') return 'gone';
    if (switched.passes >= mostPasses) {
      throw ApplicationFailure.nonRetryable(
        `${switched.missing} chunks still lack a vector of the new model. Start the move again; if this persists, run perdure check.`,
        'verification_failed',
      );
    }
  }
}

async function clear(input: MoveEmbeddingsInput): Promise<void> {
  const { deleted } = await CancellationScope.nonCancellable(() => clearVectors(input));
  setCurrentDetails(`${deleted} vectors deleted that nothing reads any more`);
}

async function stop(input: MoveEmbeddingsInput, error: unknown): Promise<MoveEmbeddingsResult> {
  const failure = describe(error);
  if (failure.code === 'fenced') return { state: 'gone' };
  const state = isCancellation(error) ? 'cancelled' : 'failed';
  const { ended } = await finishMove(input, { state, error: failure });
  if (ended && state === 'cancelled') await clear(input);
  setCurrentDetails(`${state}: ${failure.code}`);
  return { state: ended ? state : 'gone' };
}

function describe(error: unknown): { code: string; detail: string } {
  if (isCancellation(error)) {
    return { code: 'cancelled', detail: 'The move was cancelled on request; the former model serves on.' };
  }
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && cause.type) return { code: cause.type, detail: cause.message };
  return {
    code: 'unavailable',
    detail: 'A step did not end in time, again and again. Look at the worker and its log, then start the move again.',
  };
}
