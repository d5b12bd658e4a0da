import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** Notes the topic that was chosen for a turn. The caller holds the turn's lock. */
export async function noteTopic(em: EntityManager, turnId: string, topic: string | null): Promise<void> {
  await query(em, `update turns set topic = $2 where id = $1`, [turnId, topic]);
}
