import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SyncSourceInput } from '../../contracts/names/workflows.ts';
import { readChunkParameters } from '../../entities/documents/accept-documents.ts';
import { addToIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import {
  countCursors,
  finishCursor,
  readNextCursor,
  type WaitingCursor,
} from '../../entities/sources/source-cursor-repository.ts';
import {
  readKnownItems,
  storeListedItems,
  type KnownItem,
  type ListedItem,
} from '../../entities/sources/source-item-repository.ts';
import type { HeldSync } from '../../entities/sources/source-sync-repository.ts';
import type { SourceItem, SourcePage } from '../../providers/sources/document-source.ts';
import { contentVersion, failItem, handOverItems, type FetchedItem } from './hand-over-items.ts';
import type { AcceptedDocument } from './accepted-document.ts';
import { describeError, mayRecover, runSyncStep, withSource, type SyncStep } from './run-sync-step.ts';
import { settingsHash } from './settings-hash.ts';
import type { SyncDeps } from './sync-deps.ts';

/** What listing has found: documents whose content came with the listing, and how many pages are left. */
export type ListedPages = { accepted: AcceptedDocument[]; pages: number; waiting: number; failedPages: number };

/** A page that fails this often is given up; the listing is then incomplete and nothing is deleted. */
const attemptsOfPage = 6;
/** With so many pages given up, the source itself is broken. */
const pagesGivenUp = 20;
// Short enough that a kill repeats little, long enough that a step is worth its events in the history.
const worksForMs = 5_000;
/** Documents that one step hands over at most: their names must fit into its answer. */
const mostAccepted = 500;
// Handed over in one transaction.
const itemsAtOnce = 32;

/** The hash under which a page stands on the list of pages. */
export function cursorHash(key: string | null): Buffer {
  return createHash('sha256')
    .update(key === null ? 'first' : `next ${key}`)
    .digest();
}

/**
 * Lists the next pages for some seconds. Each page is crossed off in the transaction that writes what it holds, so a
 * repetition goes on where the last transaction ended.
 */
export function createListPages(deps: SyncDeps): (input: SyncSourceInput) => Promise<ListedPages> {
  return async function listPages(input) {
    return runSyncStep(deps, input, async (step) => {
      const until = Date.now() + worksForMs;
      const accepted: AcceptedDocument[] = [];
      const sync = await step.held(async (_, held) => held);
      let pages = 0;
      await withSource(deps, sync, async (source) => {
        do {
          const { cursor, listed } = await step.held(async (em, { listedItems }) => ({
            cursor: await readNextCursor(em, input),
            listed: listedItems,
          }));
          if (!cursor) break;
          const recall = async (path: string) =>
            step.held(async (em) => (await readKnownItems(em, input, [path])).get(path)?.memory ?? null);
          try {
            const page = await source.list(cursor.cursor, { signal: step.signal, recall, listed });
            await storePage(deps, step, input, { cursor, page, accepted });
          } catch (error) {
            await giveUpPage(step, input, cursor, error);
          }
          pages += 1;
        } while (Date.now() < until && accepted.length < mostAccepted && !step.signal.aborted);
      });
      const counts = await step.held((em) => countCursors(em, input));
      return { accepted, pages, waiting: counts.waiting, failedPages: counts.failed };
    });
  };
}

/** Stores a page, and adds to `accepted` what its items brought with them; left uncrossed when that is enough. */
async function storePage(
  deps: SyncDeps,
  step: SyncStep,
  input: SyncSourceInput,
  { cursor, page, accepted }: { cursor: WaitingCursor; page: SourcePage; accepted: AcceptedDocument[] },
): Promise<void> {
  const items = [...new Map(page.items.map((item) => [item.path, withVersion(item)])).values()];
  const next = page.next.map(({ key, cursor: following }) => ({ hash: cursorHash(key), cursor: following }));
  const error = page.incomplete === undefined ? null : { code: 'source_incomplete', detail: page.incomplete };
  // Content that came with the listing would be lost with this step, so it is handed over before the page is crossed off.
  const inline = items.filter((item) => item.content !== undefined || item.problem !== undefined);
  const inlinePaths = inline.map(({ path }) => path);
  const changed = await step.held(async (em, sync) => {
    await storeItems(em, input, sync, inline);
    const known = await readKnownItems(em, input, inlinePaths);
    return inline.filter(
      ({ path }) => known.get(path)?.state === 'pending' && known.get(path)?.syncId === input.syncId,
    );
  });
  for (let place = 0; place < changed.length;) {
    step.signal.throwIfAborted();
    const room = Math.min(itemsAtOnce, mostAccepted - accepted.length);
    if (room <= 0) return;
    const fetched: FetchedItem[] = [];
    const part = changed.slice(place, place + room);
    place += room;
    for (const item of part) {
      const waiting = { path: item.path, version: item.version, description: describe(item) };
      const { problem, content } = item;
      if (problem) await step.held((em, sync) => failItem(em, input, sync.jobId, waiting, problem));
      else if (content) fetched.push({ item: waiting, content });
    }
    accepted.push(...(await handOverItems(deps, step, input, fetched)));
  }
  await step.held(async (em, sync) => {
    if (!(await finishCursor(em, input, { hash: cursor.hash, error, next }))) return;
    await storeItems(em, input, sync, items);
  });
}

async function storeItems(
  em: EntityManager,
  input: SyncSourceInput,
  sync: HeldSync,
  items: readonly SourceItem[],
): Promise<void> {
  const chunks = await readChunkParameters(em, input.workspaceId, input.knowledgeSourceId);
  const hash = settingsHash(sync.configuration, chunks);
  const known = await readKnownItems(
    em,
    input,
    items.map(({ path }) => path),
  );
  const listed = items.map((item) => judge(item, known.get(item.path), hash));
  const { unchanged } = await storeListedItems(em, input, listed);
  if (unchanged > 0) await addToIngestionJob(em, sync.jobId, { unchanged, accepted: 0, failed: [] });
}

/** Compares what is listed with what was handed over: an unchanged item is not fetched. */
function judge(item: SourceItem, known: KnownItem | undefined, hash: Buffer): ListedItem {
  const listed = {
    path: item.path,
    version: item.version,
    description: describe(item),
    memory: item.memory ?? known?.memory ?? {},
  };
  // Deleted here on request: it stays deleted for as long as the source goes on listing it.
  if (known?.documentStatus === 'deleted') return { ...listed, state: 'excluded' };
  const isServed =
    known?.documentStatus === 'ready' || known?.documentStatus === 'processing' || known?.documentStatus === 'accepted';
  const isSame =
    isServed &&
    !known.hasError &&
    item.version !== null &&
    known.acceptedVersion === item.version &&
    known.settingsHash?.equals(hash) === true;
  return { ...listed, state: isSame ? 'unchanged' : 'pending' };
}

function withVersion(item: SourceItem): SourceItem {
  if (item.version !== null || !item.content) return item;
  return { ...item, version: item.content.version ?? contentVersion(item.content.bytes) };
}

function describe(item: SourceItem): ListedItem['description'] {
  return {
    ...(item.title === undefined ? {} : { title: item.title }),
    ...(item.sourceUrl === undefined ? {} : { source_url: item.sourceUrl }),
    ...(item.author === undefined ? {} : { author: item.author }),
    ...(item.metadata === undefined ? {} : { metadata: { ...item.metadata } }),
  };
}

/** Crosses a page off that cannot be listed, once it has been tried long enough; the first page is the source itself. */
async function giveUpPage(
  step: SyncStep,
  input: SyncSourceInput,
  cursor: WaitingCursor,
  error: unknown,
): Promise<void> {
  const isLost = !mayRecover(error) || step.attempt >= attemptsOfPage;
  if (step.signal.aborted || cursor.cursor === null || !isLost) throw error;
  const described = describeError(error);
  if (described.code === 'fenced' || described.code === 'internal') throw error;
  const failed = await step.held(async (em) => {
    await finishCursor(em, input, { hash: cursor.hash, error: described, next: [] });
    const counts = await countCursors(em, input);
    return counts.failed - counts.cut;
  });
  if (failed >= pagesGivenUp) throw error;
}
