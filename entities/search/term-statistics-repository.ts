import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/**
 * Folds the oldest deltas of all workspaces, `most` at once, into the statistics; 0 when there are none, or while another
 * does it. What search computes with is the same before and after.
 */
export async function foldTermStatistics(em: EntityManager, most: number): Promise<number> {
  const [row] = await query<{ folded: number }>(em, `select fold_term_statistics($1) as folded`, [most]);
  return row!.folded;
}
