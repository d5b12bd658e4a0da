import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A valid API key's owner and rights. */
export type ApiKeyRow = {
  id: string;
  workspace_id: string;
  role: 'admin' | 'member' | 'viewer';
  scopes: string[];
};

/**
 * Finds the key with this SHA-256 hash unless it was revoked or has expired, and notes its use at most once a minute.
 * Meant for the operator role: the workspace is not known before the key is.
 */
export async function findApiKey(em: EntityManager, hash: Buffer): Promise<ApiKeyRow | null> {
  const [row] = await query<ApiKeyRow & { stale: boolean }>(
    em,
    `select id, workspace_id, role, scopes,
            coalesce(last_used_at < now() - interval '1 minute', true) as stale
     from api_keys
     where key_hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    [hash],
  );
  if (!row) return null;
  const { stale, ...key } = row;
  // Skipped when another request is noting the same: nobody waits for a time stamp.
  if (stale)
    await query(
      em,
      `update api_keys set last_used_at = now()
       where id = (select id from api_keys where id = $1 for no key update skip locked)`,
      [row.id],
    );
  return key;
}
