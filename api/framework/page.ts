import type { Page } from '../../contracts/page.ts';
import { PerdureError } from '../../contracts/errors.ts';

/** Reads the position that a page's `next_cursor` stands for, null for the first page. @throws PerdureError `bad_request`. */
export function readCursor(cursor: string | undefined, pattern: RegExp): string | null {
  if (cursor === undefined) return null;
  const position = Buffer.from(cursor, 'base64url').toString('utf8');
  if (pattern.test(position)) return position;
  throw new PerdureError('bad_request', 'query.cursor: not a next_cursor of this list', {
    errors: [{ path: 'query.cursor', message: 'not a next_cursor of this list' }],
  });
}

/** What a cursor of a list ordered by key looks like. */
export const uuidCursor = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a cursor of a list ordered by sequence looks like. */
export const sequenceCursor = /^\d{1,15}$/;

/**
 * Makes a page of at most `limit` from rows of which one more was asked for: its presence says that there is a next page.
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => string | number,
  present: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    data: shown.map(present),
    next_cursor: more ? Buffer.from(String(position(last))).toString('base64url') : null,
  };
}
