import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { createIngestionActivities } from '../activities/ingestion/create-ingestion-activities.ts';
import { smallDocumentBytes } from '../contracts/names/small-documents.ts';
import type { IngestDocumentInput, IngestDocumentResult } from '../contracts/names/workflows.ts';
import {
  dropSupersededOptions,
  embedChunksOptions,
  failGenerationOptions,
  prepareLargeOptions,
  prepareSmallOptions,
  publishGenerationOptions,
} from './activity-options.ts';

type Steps = ReturnType<typeof createIngestionActivities>;
type ComeAgain = NonNullable<Awaited<ReturnType<Steps['embedChunks']>>['again']>;

const { prepareDocument: prepareSmall } = proxyLocalActivities<Steps>(prepareSmallOptions);
const { prepareDocument: prepareLarge } = proxyActivities<Steps>(prepareLargeOptions);
const { embedChunks } = proxyActivities<Steps>(embedChunksOptions);
const { publishGeneration } = proxyLocalActivities<Steps>(publishGenerationOptions);
const { dropSuperseded } = proxyActivities<Steps>(dropSupersededOptions);
const { failGeneration } = proxyActivities<Steps>(failGenerationOptions);

// About 2 s of work of the local model: what a crash may have to begin anew is a batch of it, and the history stays short.
const chunksPerStep = 256;
// Two ranges under way keep the model busy while one of them is stored.
const lanes = 2;
// Temporal ends a run at 51,200.
const mostEvents = 20_000;
// A verification that finds vectors missing (a model was registered meanwhile) has them embedded, so many times.
const verifications = 3;

const searchAttributes = {
  workspace: defineSearchAttributeKey('PerdureWorkspace', 'KEYWORD'),
  document: defineSearchAttributeKey('PerdureDocument', 'KEYWORD'),
  status: defineSearchAttributeKey('PerdureStatus', 'KEYWORD'),
};

/**
 * Ingests one generation of a document: extract and chunk, embed in ranges, verify and activate, drop what was replaced.
 * The former generation is served until the new one is complete. What fails is compensated in one transaction; a
 * generation that was deleted, overtaken by a newer one or taken over by another run ends quietly. A failed or cancelled
 * ingestion is a failed or cancelled workflow, so that Temporal's list shows it; its rows are settled by then.
 */
export async function ingestDocument(input: IngestDocumentInput): Promise<IngestDocumentResult> {
  // Registered before the first step: undoes whatever the steps have done by then.
  const compensate = (error: unknown) => CancellationScope.nonCancellable(() => endUnfinished(input, error));
  let result: IngestDocumentResult;
  let details: string;
  let failure: { code: string; detail: string } | null = null;
  try {
    result = await ingest(input);
    details = `${result.state}, ${result.chunks} chunks`;
  } catch (error) {
    result = await compensate(error);
    failure = describe(error);
    details = failure.code === result.state ? failure.code : `${result.state}: ${failure.code}`;
  }
  // Until here the starter's values stand: each change of them costs the server as much as a step.
  upsertSearchAttributes([
    { key: searchAttributes.workspace, value: input.workspaceId },
    { key: searchAttributes.document, value: input.documentId },
    { key: searchAttributes.status, value: result.state },
  ]);
  setCurrentDetails(details);
  // Histories of earlier releases end with the result.
  if (failure && (result.state === 'failed' || result.state === 'cancelled') && patched('outcome-is-shown')) {
    if (result.state === 'cancelled') throw new CancelledFailure(failure.detail);
    throw ApplicationFailure.nonRetryable(failure.detail, failure.code, result);
  }
  return result;
}

async function ingest(input: IngestDocumentInput): Promise<IngestDocumentResult> {
  const startedAt = workflowInfo().runStartTime.toISOString();
  setCurrentDetails('Extracting and chunking');
  let prepared = await prepareSmall(input, { startedAt, largestBytes: smallDocumentBytes, finishSmall: true });
  if (prepared.state === 'larger') prepared = await prepareLarge(input, { startedAt });
  if (prepared.state === 'larger' || prepared.state === 'fenced') return { state: 'abandoned', chunks: 0 };
  if (prepared.state !== 'staging') {
    if (prepared.superseded) await dropQuietly(input);
    return { state: prepared.state, chunks: prepared.chunks };
  }
  for (let verification = 1; ; verification += 1) {
    await embedAll(input, prepared.chunks);
    setCurrentDetails(`Verifying ${prepared.chunks} chunks`);
    const publication = await publishGeneration(input);
    if (publication.state === 'active') {
      if (publication.superseded) await dropQuietly(input);
      return { state: 'active', chunks: publication.chunks };
    }
    if (publication.state !== 'incomplete') {
      return { state: publication.state === 'fenced' ? 'abandoned' : publication.state, chunks: 0 };
    }
    if (verification === verifications) {
      throw ApplicationFailure.nonRetryable(
        `Of ${publication.expected} chunks ${publication.chunks} are stored, with ${publication.embeddings} vectors. ` +
          'Retry the document; if this persists, run perdure check.',
        'verification_failed',
      );
    }
  }
}

/** Embeds all ranges, `lanes` at a time; the first failure cancels the other lane. */
async function embedAll(input: IngestDocumentInput, chunks: number): Promise<void> {
  let next = 0;
  let embedded = 0;
  const tell = () => setCurrentDetails(`${embedded} of ${chunks} chunks embedded`);
  tell();
  const scope = new CancellationScope();
  const lane = async () => {
    while (next < chunks) {
      const range = { from: next, to: Math.min(next + chunksPerStep, chunks) };
      next = range.to;
      await embedRange(input, range, `Embed chunks ${range.from + 1} to ${range.to} of ${chunks}`);
      embedded += range.to - range.from;
      tell();
    }
  };
  try {
    await scope.run(() => Promise.all(Array.from({ length: lanes }, lane)));
  } catch (error) {
    scope.cancel();
    throw error;
  }
}

/** Embeds a range; waits for the model's limits, or for what others pay for, between its steps, which hold slots. */
async function embedRange(
  input: IngestDocumentInput,
  range: { from: number; to: number },
  summary: string,
): Promise<void> {
  for (let last: ComeAgain | null = null; ;) {
    // Each wait is some events: what has waited very often waits inside its step.
    const comesAgain = workflowInfo().historyLength < mostEvents;
    const { again } = await embedChunks.executeWithOptions(
      { summary },
      comesAgain ? [input, range, last] : [input, range],
    );
    if (!again) return;
    await sleep(again.afterMs, { summary: 'Until the model may be called again' });
    last = again;
  }
}

/** The new generation is served already: a failure to clear up must not undo that. */
async function dropQuietly(input: IngestDocumentInput): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() => dropSuperseded(input));
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
  }
}

async function endUnfinished(input: IngestDocumentInput, error: unknown): Promise<IngestDocumentResult> {
  const cancelled = isCancellation(error);
  const failure = describe(error);
  if (failure.code === 'fenced') return { state: 'abandoned', chunks: 0 };
  const status = cancelled ? 'cancelled' : 'failed';
  const summary = cancelled ? 'Undo, because of a cancel' : `Undo, because of ${failure.code}`;
  const { state } = await failGeneration.executeWithOptions({ summary }, [input, { status, ...failure }]);
  // It was published, and only the news of that was lost: nobody else knows what it replaced.
  if (state === 'active' && input.generation > 1 && patched('late-end-drops')) await dropQuietly(input);
  return { state: endState(state, cancelled), chunks: 0 };
}

function endState(
  state: Awaited<ReturnType<Steps['failGeneration']>>['state'],
  cancelled: boolean,
): IngestDocumentResult['state'] {
  if (state === 'fenced') return 'abandoned';
  return state === 'abandoned' && cancelled ? 'cancelled' : state;
}

/** Code and text of a step's failure; both come from the error table, never from a provider's body. */
function describe(error: unknown): { code: string; detail: string } {
  if (isCancellation(error))
    return {
      code: 'cancelled',
      detail: 'The ingestion was cancelled on request. Retry the document to ingest it.',
    };
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && cause.type) return { code: cause.type, detail: cause.message };
  return {
    code: 'unavailable',
    detail: 'A step did not end in time, again and again. Look at the worker and its logs, then retry the document.',
  };
}
