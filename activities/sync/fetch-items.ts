import { setTimeout as delay } from 'node:timers/promises';
import type { SyncSourceInput } from '../../contracts/names/workflows.ts';
import { readPendingItems, type PendingItem } from '../../entities/sources/source-item-repository.ts';
import { FetchError } from '../../providers/fetch/fetch-error.ts';
import type { DocumentSource, FetchedContent } from '../../providers/sources/document-source.ts';
import { failItem, handOverItem } from './hand-over-item.ts';
import type { AcceptedDocument } from './accepted-document.ts';
import { describeError, mayRecover, runSyncStep, withSource, type SyncStep } from './run-sync-step.ts';
import type { SyncDeps } from './sync-deps.ts';

/** Documents to ingest, and whether items may still wait. */
export type FetchedItems = { accepted: AcceptedDocument[]; settled: number; more: boolean };

/** Waits before an item is asked for again; what fails after the last is failed until the next sync. */
const pausesMs = [500, 2_000];
/** A source that asks for a longer wait is left alone as a whole. */
const longestPauseMs = 5_000;

/**
 * Fetches the next `limit` pending items and hands each over in a transaction of its own. What cannot be fetched fails
 * alone; when the source asks to wait, the step fails with that delay and goes on where it was.
 */
export function createFetchItems(deps: SyncDeps): (input: SyncSourceInput, limit: number) => Promise<FetchedItems> {
  return async function fetchItems(input, limit) {
    return runSyncStep(deps, input, async (step) => {
      const { sync, pending } = await step.held(async (em, held) => ({
        sync: held,
        pending: await readPendingItems(em, input, { after: '', limit: limit + 1 }),
      }));
      const batch = pending.slice(0, limit);
      const accepted: AcceptedDocument[] = [];
      await withSource(deps, sync, async (source) => {
        for (const item of batch) {
          step.signal.throwIfAborted();
          const document = await settle(source, item);
          if (document) accepted.push(document);
        }
      });
      return { accepted, settled: batch.length, more: pending.length > limit };

      async function settle(source: DocumentSource, item: PendingItem): Promise<AcceptedDocument | null> {
        let content: FetchedContent | null;
        try {
          content = await fetchPatiently(source, item, step);
        } catch (error) {
          if (step.signal.aborted || isOfTheSource(error)) throw error;
          await step.held((em, held) => failItem(em, input, held.jobId, item, describeError(error)));
          return null;
        }
        if (content) return handOverItem(deps, step, input, item, content);
        const detail = 'The source listed it, but it was gone when it was fetched. The next sync settles this.';
        const gone = { code: 'fetch_not_found', detail };
        await step.held((em, held) => failItem(em, input, held.jobId, item, gone));
        return null;
      }
    });
  };
}

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
