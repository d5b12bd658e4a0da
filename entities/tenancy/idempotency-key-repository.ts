import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A request that carries an idempotency key. */
export type IdempotentRequest = {
  workspaceId: string;
  key: string;
  method: string;
  path: string;
  /** SHA-256 of everything that the effect depends on. */
  requestHash: Buffer;
};

/**
 * What became of a claim: free to act, the stored answer of the same request, that it has no answer yet, or a key that
 * another request used.
 */
export type IdempotencyClaim =
  | { outcome: 'claimed' }
  | { outcome: 'open' }
  | { outcome: 'replay'; status: number; body: unknown }
  | { outcome: 'different' };

/**
 * Claims the key inside the transaction of its effect: claim, effect and answer commit together or not at all. An effect
 * outside of the database is claimed in a transaction before it, and answered in one after it. A twin
 * that runs at the same time waits here until the first one has ended, at most 10 s (SQLSTATE 55P03). Keys are free again
 * after 24 hours.
 */
export async function claimIdempotencyKey(em: EntityManager, request: IdempotentRequest): Promise<IdempotencyClaim> {
  await query(em, `select set_config('lock_timeout', '10s', true)`);
  const claimed = await query(
    em,
    `insert into idempotency_keys as k (workspace_id, key, method, path, request_hash) values ($1, $2, $3, $4, $5)
     on conflict (workspace_id, key) do update
       set method = excluded.method, path = excluded.path, request_hash = excluded.request_hash, created_at = now(),
           response_status = null, response_body = null, completed_at = null
       where k.created_at < now() - interval '24 hours'
     returning 1`,
    [request.workspaceId, request.key, request.method, request.path, request.requestHash],
  );
  if (claimed.length > 0) return { outcome: 'claimed' };
  const [earlier] = await query<{ same: boolean; status: number | null; body: unknown }>(
    em,
    `select method = $3 and path = $4 and request_hash = $5 as same, response_status as status, response_body as body
     from idempotency_keys where workspace_id = $1 and key = $2`,
    [request.workspaceId, request.key, request.method, request.path, request.requestHash],
  );
  if (earlier?.same && earlier.status !== null)
    return { outcome: 'replay', status: earlier.status, body: earlier.body };
  return { outcome: earlier?.same ? 'open' : 'different' };
}

/** Stores the answer beside the claim. */
export async function storeIdempotentAnswer(
  em: EntityManager,
  request: Pick<IdempotentRequest, 'workspaceId' | 'key'>,
  answer: { status: number; body: unknown },
): Promise<void> {
  await query(
    em,
    `update idempotency_keys set response_status = $3, response_body = $4, completed_at = now()
     where workspace_id = $1 and key = $2`,
    [request.workspaceId, request.key, answer.status, JSON.stringify(answer.body ?? null)],
  );
}

/** Gives up a claim whose request had no effect, so that it may be sent again. */
export async function releaseIdempotencyKey(
  em: EntityManager,
  request: Pick<IdempotentRequest, 'workspaceId' | 'key'>,
): Promise<void> {
  await query(em, `delete from idempotency_keys where workspace_id = $1 and key = $2 and completed_at is null`, [
    request.workspaceId,
    request.key,
  ]);
}
