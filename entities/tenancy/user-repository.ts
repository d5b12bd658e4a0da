import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/**
 * The users row of an external id; made with `newId` when the id is first seen, safe against a concurrent first sight.
 */
export async function ensureUser(
  em: EntityManager,
  user: { workspaceId: string; externalId: string; newId: string },
): Promise<string> {
  const known = await findUser(em, user.externalId);
  if (known !== null) return known;
  const [made] = await query<{ id: string }>(
    em,
    `insert into users (id, workspace_id, external_id) values ($1, $2, $3)
     on conflict (workspace_id, external_id) do update set updated_at = users.updated_at
     returning id`,
    [user.newId, user.workspaceId, user.externalId],
  );
  return made!.id;
}

/** The users row of an external id, null when it was never seen. */
export async function findUser(em: EntityManager, externalId: string): Promise<string | null> {
  const [row] = await query<{ id: string }>(em, `select id from users where external_id = $1`, [externalId]);
  return row?.id ?? null;
}
