import { setTimeout as delay } from 'node:timers/promises';
import type { SyncSourceInput } from '../../contracts/names/workflows.ts';
import { readPendingItems, type PendingItem } from '../../entities/sources/source-item-repository.ts';
import { FetchError } from '../../providers/fetch/fetch-error.ts';
import type { DocumentSource, FetchedContent } from '../../providers/sources/document-source.ts';
import { failItem, handOverItems, type FetchedItem } from './hand-over-items.ts';
import type { AcceptedDocument } from './accepted-document.ts';
import { describeError, mayRecover, runSyncStep, withSource, type SyncStep } from './run-sync-step.ts';
import type { SyncDeps } from './sync-deps.ts';

/** Documents to ingest, and whether items may still wait. */
export type FetchedItems = { accepted: AcceptedDocument[]; settled: number; more: boolean };

/** Waits before an item is asked for again; what fails after the last is failed until the next sync. */
const pausesMs = [500, 2_000];
/** A source that asks for a longer wait is left alone as a whole. */
const longestPauseMs = 5_000;

// Where nothing is to be ingested after, a step is worth its events in the history only if it does this much.
const worksForMs = 5_000;
const itemsAtOnce = 64;
/** What was fetched is handed over in one transaction, as soon as it is so large or has taken so long. */
const largestHandOver = 4_000_000;
const longestHandOverMs = 1_000;

/**
 * Fetches the next `limit` pending items and hands them over, those that are fetched quickly together. Where none of them is
 * to be ingested it goes on with more for some seconds. What cannot be fetched fails alone; when the source asks to wait,
 * the step fails with that delay and goes on where it was.
 */
export function createFetchItems(deps: SyncDeps): (input: SyncSourceInput, limit: number) => Promise<FetchedItems> {
  return async function fetchItems(input, limit) {
    return runSyncStep(deps, input, async (step) => {
      const until = Date.now() + worksForMs;
      const done: FetchedItems = { accepted: [], settled: 0, more: true };
      const sync = await step.held(async (_, held) => held);
      // Larger where the vectors come along: nothing is paid for, and none waits to be ingested.
      const bringsVectors = sync.configuration['embedding_model'] !== undefined;
      await withSource(deps, sync, async (source) => {
        for (let atOnce = limit; done.more; atOnce = bringsVectors ? itemsAtOnce : limit) {
          const pending = await step.held((em) => readPendingItems(em, input, { after: '', limit: atOnce + 1 }));
          const batch = pending.slice(0, atOnce);
          await fetchBatch({ deps, step, input, source }, batch, done.accepted);
          done.settled += batch.length;
          done.more = pending.length > atOnce;
          if (done.accepted.length > 0 || Date.now() >= until) return;
        }
      });
      return done;
    });
  };
}

type Fetching = { deps: SyncDeps; step: SyncStep; input: SyncSourceInput; source: DocumentSource };

/** Fetches items and hands them over; adds to `accepted` what is to be ingested. */
async function fetchBatch(
  { deps, step, input, source }: Fetching,
  batch: readonly PendingItem[],
  accepted: AcceptedDocument[],
): Promise<void> {
  let fetched: FetchedItem[] = [];
  let bytes = 0;
  let since = performance.now();
  const handOver = async () => {
    const items = fetched;
    fetched = [];
    bytes = 0;
    accepted.push(...(await handOverItems(deps, step, input, items)));
    since = performance.now();
  };
  const failed = (item: PendingItem, error: { code: string; detail: string }) =>
    step.held((em, held) => failItem(em, input, held.jobId, item, error));
  for (const item of batch) {
    step.signal.throwIfAborted();
    let content: FetchedContent | null;
    try {
      content = await fetchPatiently(source, item, step);
    } catch (error) {
      if (step.signal.aborted) throw error;
      if (!isOfTheSource(error)) {
        await failed(item, describeError(error));
        continue;
      }
      // What was fetched before need not be fetched again.
      await handOver();
      throw error;
    }
    if (!content) {
      await failed(item, gone);
      continue;
    }
    fetched.push({ item, content });
    bytes += content.bytes.length;
    if (bytes >= largestHandOver || performance.now() - since >= longestHandOverMs) await handOver();
  }
  await handOver();
}

const gone = {
  code: 'fetch_not_found',
  detail: 'The source listed it, but it was gone when it was fetched. The next sync settles this.',
};

async function fetchPatiently(
  source: DocumentSource,
  item: PendingItem,
  step: SyncStep,
): Promise<FetchedContent | null> {
  const asked = { path: item.path, sourceUrl: item.description.source_url ?? null, memory: item.memory };
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await source.fetch(asked, step.signal);
    } catch (error) {
      const pause = Math.max(retryAfter(error) ?? 0, pausesMs[attempt] ?? 0);
      if (step.signal.aborted || !mayRecover(error) || isOfTheSource(error) || attempt >= pausesMs.length) throw error;
      await delay(pause, undefined, { signal: step.signal });
    }
  }
}

function retryAfter(error: unknown): number | null {
  return error instanceof FetchError ? error.retryAfterMs : null;
}

/** What says nothing about the item: the source cannot be reached at all, refuses the credentials, or asks to wait. */
function isOfTheSource(error: unknown): boolean {
  const { code } = describeError(error);
  return (
    [
      'source_unavailable',
      'source_authentication',
      'source_configuration',
      'fenced',
      'internal',
      'unavailable',
    ].includes(code) || (retryAfter(error) ?? 0) > longestPauseMs
  );
}
