import { countOf } from '../../contracts/names/count-of.ts';
import { workflowIds, type SyncSourceInput } from '../../contracts/names/workflows.ts';
import { cancelJobDocuments } from '../../entities/documents/cancel-documents.ts';
import { deleteDocument } from '../../entities/documents/document-repository.ts';
import { countCursors } from '../../entities/sources/source-cursor-repository.ts';
import { countItems, forgetItems, readMissingItems } from '../../entities/sources/source-item-repository.ts';
import { beginSync, endSync, holdSync, type SyncError } from '../../entities/sources/source-sync-repository.ts';
import { query } from '../../entities/sql.ts';
import type { AcceptedDocument } from './accepted-document.ts';
import { cursorHash } from './list-page.ts';
import { runSyncStep } from './run-sync-step.ts';
import type { SyncDeps } from './sync-deps.ts';

/** Lets the sync begin or go on; false if it has ended. */
export function createBeginSync(deps: SyncDeps): (input: SyncSourceInput) => Promise<{ isOpen: boolean }> {
  return async function openSync(input) {
    return runSyncStep(deps, input, async () => {
      const held = await deps.database.inWorkspace(input.workspaceId, (em) => beginSync(em, input, cursorHash(null)));
      return { isOpen: held !== null };
    });
  };
}

/** What may be deleted once everything else is done; `refused` says why nothing is. */
export type RemovalPlan = { missing: number; refused: SyncError | null };

/** Fewer than this are deleted without a question. */
const removalsWithoutQuestion = 5;

/**
 * Counts what the source holds no more. A listing that is not complete, and one that has suddenly lost much, delete
 * nothing.
 */
export function createPlanRemovals(deps: SyncDeps): (input: SyncSourceInput) => Promise<RemovalPlan> {
  return async function planRemovals(input) {
    return runSyncStep(deps, input, (step) =>
      step.held(async (em, sync) => {
        if (sync.kind === 'items') return { missing: 0, refused: null };
        const { waiting, failed, firstError } = await countCursors(em, input);
        const { missing } = await countItems(em, input);
        if (waiting > 0 || failed > 0) {
          const detail =
            `${countOf(failed, 'page')} of the source could not be listed, so nothing was deleted. ` +
            `The first: ${firstError?.code ?? 'unknown'}: ${firstError?.detail ?? ''}`;
          return { missing, refused: { code: 'source_incomplete', detail } };
        }
        await query(em, `update source_syncs set is_listed = true where id = $1`, [input.syncId]);
        const share = Number(sync.configuration['largest_removal'] ?? 0.5);
        const isTooMuch = missing > share * (missing + sync.listedItems);
        const isSmall = missing <= removalsWithoutQuestion && sync.listedItems > 0;
        if (missing === 0 || sync.allowRemovals || !isTooMuch || isSmall) return { missing, refused: null };
        const detail =
          `The source now holds ${sync.listedItems} documents and misses ${missing} that it held before; nothing was ` +
          'deleted. If that is right, sync again with allow_removals.';
        return { missing, refused: { code: 'source_shrunk', detail } };
      }),
    );
  };
}

const documentsPerStep = 50;
/** More than one step of listing hands over. */
const lateDocuments = 1_000;
/** As many as a sync has under way at once. */
const documentsNamed = 16;

/** Deletes the next documents that the source holds no more, each in a transaction of its own. */
export function createRemoveMissing(deps: SyncDeps): (input: SyncSourceInput) => Promise<{ more: boolean }> {
  return async function removeMissing(input) {
    return runSyncStep(deps, input, async (step) => {
      const missing = await step.held((em) => readMissingItems(em, input, documentsPerStep));
      for (const { path, documentId } of missing) {
        step.signal.throwIfAborted();
        const abandoned = await step.held(async (em) => {
          const end =
            documentId === null ? null : await deleteDocument(em, { workspaceId: input.workspaceId, documentId });
          await forgetItems(em, input, { paths: [path], documents: end?.deleted ? 1 : 0 });
          return end?.abandoned ?? [];
        });
        if (documentId === null) continue;
        deps.notifyDocument(documentId);
        for (const { generation } of abandoned) await deps.cancelIngest({ documentId, generation });
      }
      return { more: missing.length === documentsPerStep };
    });
  };
}

/** Documents of the sync's job that are still being ingested, and the first of them. */
export type UnsettledDocuments = { pending: number; documents: AcceptedDocument[] };

/** Counts them, and names so many as may be started at once; those that a batch has which runs are left to it. */
export function createCountUnsettled(deps: SyncDeps): (input: SyncSourceInput) => Promise<UnsettledDocuments> {
  return async function countUnsettled(input) {
    return runSyncStep(deps, input, async (step) => {
      const found = await step.held((em, { jobId }) =>
        query<{ documentId: string; generation: number; workflowId: string; pending: number }>(
          em,
          `select document_id as "documentId", generation, workflow_id as "workflowId",
                  count(*) over ()::integer as pending
           from document_generations
           where workspace_id = $1 and job_id = $2 and state in ('staging', 'ready') order by document_id limit $3`,
          [input.workspaceId, jobId, documentsNamed],
        ),
      );
      const documents: AcceptedDocument[] = [];
      for (const [workflowId, generations] of Map.groupBy(found, (row) => row.workflowId)) {
        const keys = generations.map(({ documentId, generation }) => ({ documentId, generation }));
        const [{ documentId, generation }] = keys as [AcceptedDocument];
        const isOwn = workflowId === workflowIds.ingestDocument(documentId, generation);
        const { workspaceId } = input;
        if (isOwn || !(await deps.ingestRuns({ workspaceId, documentId, generation }, workflowId)))
          documents.push(...keys);
      }
      return { pending: found[0]?.pending ?? 0, documents };
    });
  };
}

/** How a sync ended. */
export type SyncEnd = { state: 'completed' | 'failed' | 'cancelled'; error: SyncError | null };

/** Ends the sync and closes its job; again it changes nothing. */
export function createFinishSync(deps: SyncDeps): (input: SyncSourceInput, end: SyncEnd) => Promise<void> {
  return async function finishSync(input, end) {
    await runSyncStep(deps, input, async () => {
      const cancelled = await deps.database.inWorkspace(input.workspaceId, async (em) => {
        // What a step handed over that had not heard of the cancel yet; while the sync is held, none hands over more.
        const held = end.state === 'cancelled' ? await holdSync(em, input) : null;
        const job = held && { workspaceId: input.workspaceId, jobId: held.jobId, limit: lateDocuments };
        const late = job ? await cancelJobDocuments(em, job) : [];
        await endSync(em, input, end);
        return late;
      });
      await tellCancelled(deps, cancelled);
      // The job's watchers listen on the same channel, to whatever comes.
      deps.notifyDocument(input.syncId);
    });
  };
}

/** Cancels the documents of the sync's job that are still being ingested, some at a time. */
export function createCancelDocuments(deps: SyncDeps): (input: SyncSourceInput) => Promise<{ more: boolean }> {
  return async function cancelDocuments(input) {
    return runSyncStep(deps, input, async (step) => {
      const cancelled = await step.held((em, { jobId }) =>
        cancelJobDocuments(em, { workspaceId: input.workspaceId, jobId, limit: documentsPerStep }),
      );
      await tellCancelled(deps, cancelled);
      return { more: cancelled.length > 0 };
    });
  };
}

async function tellCancelled(deps: SyncDeps, cancelled: readonly AcceptedDocument[]): Promise<void> {
  for (const { documentId, generation } of cancelled) {
    deps.notifyDocument(documentId);
    await deps.cancelIngest({ documentId, generation });
  }
}
