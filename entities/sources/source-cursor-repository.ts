import type { EntityManager } from '@mikro-orm/postgresql';
import { binaryArray, byteaTypeId } from '../documents/binary-array.ts';
import { query } from '../sql.ts';
import type { SyncError, SyncKey } from './source-sync-repository.ts';

/** A page to list; null is the first one. */
export type WaitingCursor = { hash: Buffer; cursor: string | null };

/** The page that has waited longest, null when all were listed. */
export async function readNextCursor(em: EntityManager, key: SyncKey): Promise<WaitingCursor | null> {
  const [row] = await query<WaitingCursor>(
    em,
    `select cursor_hash as hash, cursor from source_cursors where sync_id = $1 and not is_done
     order by created_at, cursor_hash limit 1`,
    [key.syncId],
  );
  return row ?? null;
}

/**
 * Crosses a page off the list and adds those that it led to; a page that was listed or waits already is not added again.
 * False if it was crossed off before: then the caller's findings are of a page that another attempt has dealt with.
 */
export async function finishCursor(
  em: EntityManager,
  key: SyncKey,
  page: { hash: Uint8Array; error: SyncError | null; next: readonly { hash: Uint8Array; cursor: string }[] },
): Promise<boolean> {
  const done = await query(
    em,
    `update source_cursors set is_done = true, cursor = null, error = $3
     where sync_id = $1 and cursor_hash = $2 and not is_done returning sync_id`,
    [key.syncId, Buffer.from(page.hash), page.error && JSON.stringify(page.error)],
  );
  if (done.length === 0) return false;
  if (page.next.length > 0)
    await query(
      em,
      `insert into source_cursors (workspace_id, sync_id, cursor_hash, cursor)
       select $1, $2, n.hash, n.cursor from unnest($3::bytea[], $4::text[]) as n (hash, cursor)
       on conflict do nothing`,
      [
        key.workspaceId,
        key.syncId,
        binaryArray(
          byteaTypeId,
          page.next.map(({ hash }) => hash),
        ),
        page.next.map(({ cursor }) => cursor),
      ],
    );
  return true;
}

/** Pages that wait, pages with an error, and among them those that settings have cut. */
export type CursorCounts = { waiting: number; failed: number; cut: number; firstError: SyncError | null };

/** Counts the pages of a sync. */
export async function countCursors(em: EntityManager, key: SyncKey): Promise<CursorCounts> {
  const [row] = await query<CursorCounts>(
    em,
    `select count(*) filter (where not is_done)::integer as waiting,
            count(*) filter (where error is not null)::integer as failed,
            count(*) filter (where error ->> 'code' = 'source_incomplete')::integer as cut,
            (array_agg(error order by created_at) filter (where error is not null))[1] as "firstError"
     from source_cursors where sync_id = $1`,
    [key.syncId],
  );
  return row!;
}
