import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { createSyncActivities } from '../activities/sync/create-sync-activities.ts';
import type { BatchedDocument, SyncSourceInput, SyncSourceResult } from '../contracts/names/workflows.ts';
import { finishSyncOptions, readSourceOptions, syncStepOptions } from './activity-options.ts';
import type { ingestBatch } from './ingest-batch.ts';
import { startBatchIngestion } from './start-batch-ingestion.ts';
import { startOwnIngestion } from './start-own-ingestion.ts';

type Steps = ReturnType<typeof createSyncActivities>;

const { beginSync, planRemovals, countUnsettled } = proxyLocalActivities<Steps>(syncStepOptions);
const { listPages, fetchItems, removeMissing } = proxyActivities<Steps>(readSourceOptions);
const { finishSync, cancelDocuments } = proxyActivities<Steps>(finishSyncOptions);

// So many documents of one sync are ingested at once: enough to keep the model busy while others are fetched.
const windowSize = 16;
// A kill repeats the fetches of one batch at the most.
const itemsPerBatch = 8;
// Children that the next run does not see, so that a document that takes long does not hold up a sync that continues.
const leftBehind = 4;

const attributes = {
  workspace: defineSearchAttributeKey('PerdureWorkspace', 'KEYWORD'),
  status: defineSearchAttributeKey('PerdureStatus', 'KEYWORD'),
};

/** One to ingest; `batch` is the id of the workflow that does so for it and others. */
type Document = BatchedDocument & { batch?: string };

/**
 * Brings a source up to date: lists it page by page into the manifest, fetches what is new or has changed and has it
 * ingested by children in a sliding window, and last of all deletes what a complete listing does not hold any more. What
 * was done stands in the database, so any run, also one that continues another, goes on where the work is.
 */
export async function syncSource(input: SyncSourceInput): Promise<SyncSourceResult> {
  const window = new ChildWindow(input);
  try {
    const { isOpen } = await beginSync(input);
    if (!isOpen) return { state: 'gone' };
    await transfer(input, window);
    await window.drain();
    await settleStrays(input, window);
    const refused = await remove(input);
    return await finish(input, { state: 'completed', error: refused });
  } catch (error) {
    if (codeOf(error) === 'fenced') return { state: 'gone' };
    if (!isCancellation(error) && !(error instanceof ActivityFailure)) throw error;
    return CancellationScope.nonCancellable(() => stop(input, window, error)).catch((late: unknown) => {
      // Its rows were ended before it was told.
      if (codeOf(late) === 'fenced') return { state: 'gone' };
      throw late;
    });
  }
}

async function transfer(input: SyncSourceInput, window: ChildWindow): Promise<void> {
  let toList = input.kind === 'full';
  let toFetch = true;
  let pages = 0;
  let fetched = 0;
  while (toList || toFetch) {
    if (workflowInfo().continueAsNewSuggested) {
      await window.leave();
      await continueAsNew<typeof syncSource>(input);
    }
    setCurrentDetails(`${pages} pages listed, ${fetched} documents fetched, ${window.open} being ingested`);
    await window.room(itemsPerBatch);
    // Fetching before listing: a crawl that takes hours is searchable from its first minute.
    if (toFetch) {
      const batch = await fetchItems.executeWithOptions({ summary: 'Fetch documents' }, [input, itemsPerBatch]);
      fetched += batch.settled;
      toFetch = batch.more;
      await window.start(batch.accepted);
    } else {
      const listing = await listPages.executeWithOptions({ summary: 'List the source' }, [input]);
      pages += listing.pages;
      toList = listing.waiting > 0;
      toFetch = true;
      await window.start(listing.accepted);
    }
  }
}

/**
 * Starts what was handed over by a step whose answer was lost with its worker, and waits until all documents have ended;
 * what the sweep has started meanwhile ends by itself.
 */
async function settleStrays(input: SyncSourceInput, window: ChildWindow): Promise<void> {
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, 30_000)) {
    const { pending, documents } = await countUnsettled(input);
    if (pending === 0) return;
    setCurrentDetails(`${pending} documents are still being ingested`);
    await window.start(documents);
    await window.drain();
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof syncSource>(input);
    await sleep(pauseMs, { summary: 'Until all documents are ingested' });
  }
}

async function remove(input: SyncSourceInput): Promise<{ code: string; detail: string } | null> {
  const plan = await planRemovals(input);
  if (plan.refused || plan.missing === 0) return plan.refused;
  setCurrentDetails(`Deleting ${plan.missing} documents that the source holds no more`);
  for (let more = true; more;) {
    ({ more } = await removeMissing.executeWithOptions({ summary: 'Delete what the source holds no more' }, [input]));
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof syncSource>(input);
  }
  return null;
}

async function stop(input: SyncSourceInput, window: ChildWindow, error: unknown): Promise<SyncSourceResult> {
  const isCancelled = isCancellation(error);
  // Children outlive a sync that failed: what they were given is complete. A cancel ends them too.
  if (isCancelled) for (let more = true; more;) ({ more } = await cancelDocuments(input));
  await window.drain();
  return finish(
    input,
    isCancelled
      ? {
          state: 'cancelled',
          error: { code: 'cancelled', detail: 'The sync was cancelled on request. Sync again to go on.' },
        }
      : { state: 'failed', error: describe(error) },
  );
}

async function finish(
  input: SyncSourceInput,
  end: { state: 'completed' | 'failed' | 'cancelled'; error: { code: string; detail: string } | null },
): Promise<SyncSourceResult> {
  await CancellationScope.nonCancellable(() => finishSync(input, end));
  const outcome = end.error === null ? end.state : `${end.state}: ${end.error.code}`;
  upsertSearchAttributes([
    { key: attributes.workspace, value: input.workspaceId },
    { key: attributes.status, value: end.state },
  ]);
  setCurrentDetails(outcome);
  return { state: end.state };
}

/** The children that ingest documents; a child's failure is its document's, and stands there. */
class ChildWindow {
  readonly #input: SyncSourceInput;
  /** Documents that are being ingested, and the batches among what does so. */
  open = 0;
  #batches = 0;

  constructor(input: SyncSourceInput) {
    this.#input = input;
  }

  /** Waits until so many more may be started. */
  async room(more: number): Promise<void> {
    await condition(() => this.open + more <= windowSize);
  }

  async drain(): Promise<void> {
    await condition(() => this.open === 0);
  }

  /** Waits until the next run may take over; the end of the sync waits for what is left. */
  async leave(): Promise<void> {
    const left = patched('leave-children') ? leftBehind : 0;
    await condition(() => this.open <= left && this.#batches === 0);
  }

  /** Starts them as the window has room: a listing may bring hundreds at once. */
  async start(documents: readonly Document[]): Promise<void> {
    await this.#startPaced(documents.filter(({ batch }) => batch === undefined));
    for (const [batch, members] of Map.groupBy(documents, (document) => document.batch)) {
      if (batch === undefined) continue;
      await this.room(Math.min(members.length, windowSize));
      await this.#startBatch(batch, members);
    }
  }

  async #startPaced(documents: readonly Document[]): Promise<void> {
    const fits = documents.length + this.open <= windowSize;
    if (fits || !patched('paced-window')) return this.#startAll(documents);
    for (let started = 0; started < documents.length;) {
      await this.room(1);
      const next = documents.slice(started, started + windowSize - this.open);
      await this.#startAll(next);
      started += next.length;
    }
  }

  async #startAll(documents: readonly Document[]): Promise<void> {
    await Promise.all(documents.map((document) => this.#startOne(document)));
  }

  async #startOne({ documentId, generation }: Document): Promise<void> {
    const { workspaceId } = this.#input;
    const child = await startOwnIngestion({ workspaceId, documentId, generation });
    // The sweep was faster; the document is waited for at the end.
    if (!child) return;
    this.open += 1;
    const ended = () => {
      this.open -= 1;
    };
    void child.result().then(ended, ended);
  }

  async #startBatch(workflowId: string, members: readonly Document[]): Promise<void> {
    const { workspaceId } = this.#input;
    const documents = members.map(({ documentId, generation }) => ({ documentId, generation }));
    const child = await startBatchIngestion(workflowId, { workspaceId, documents, returnsLeft: true });
    if (!child) return;
    this.open += documents.length;
    this.#batches += 1;
    void this.#followBatch(child, documents.length);
  }

  /** Starts workflows of their own for those that it leaves, before its places in the window are free. */
  async #followBatch(child: ChildWorkflowHandle<typeof ingestBatch>, documents: number): Promise<void> {
    try {
      const { returned = [] } = await child.result();
      await this.#startAll(returned);
    } catch {
      // Cancelled, or ended from outside: what it has not ended is looked for at the end.
    }
    this.open -= documents;
    this.#batches -= 1;
  }
}

function codeOf(error: unknown): string | null {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
}

function describe(error: unknown): { code: string; detail: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && cause.type) return { code: cause.type, detail: cause.message };
  return {
    code: 'source_unavailable',
    detail:
      'A step did not end in time, again and again. Look at the source and at the log of the worker, then sync again.',
  };
}
