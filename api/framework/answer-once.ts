import type { EntityManager } from '@mikro-orm/postgresql';
import { errorTable, PerdureError } from '../../contracts/errors.ts';
import {
  claimIdempotencyKey,
  releaseIdempotencyKey,
  storeIdempotentAnswer,
  type IdempotencyClaim,
  type IdempotentRequest,
} from '../../entities/tenancy/idempotency-key-repository.ts';
import type { Database } from '../../platform/database.ts';
import type { Reply, Route } from './route.ts';

/** Serves a request with an idempotency key once, in the transaction of its effect; a repeated one gets the stored answer. */
export async function answerOnce(
  em: EntityManager,
  claim: IdempotentRequest,
  route: Route,
  effect: () => Promise<Reply>,
): Promise<Reply> {
  const replayed = readClaim(claim.key, await claimIdempotencyKey(em, claim));
  if (replayed) return replayed;
  const reply = await effect();
  const stored = route.redact ? route.redact(reply.body) : reply.body;
  await storeIdempotentAnswer(em, claim, { status: reply.status, body: stored });
  return reply;
}

/**
 * An effect outside of the database: it is claimed before, and its answer is stored after it. Where the process dies in
 * between, nobody knows what became of it, and it is not repeated.
 */
export async function answerOnceOutside(
  database: Database,
  claim: IdempotentRequest,
  effect: () => Promise<Reply>,
): Promise<Reply> {
  const { workspaceId } = claim;
  const verdict = await database.inWorkspace(workspaceId, (em) => claimIdempotencyKey(em, claim));
  const replayed = readClaim(claim.key, verdict);
  if (replayed) return replayed;
  const reply = await effect().catch(async (error: unknown) => {
    const isRefusal = error instanceof PerdureError && errorTable[error.code].status < 500;
    if (isRefusal) await database.inWorkspace(workspaceId, (em) => releaseIdempotencyKey(em, claim));
    throw error;
  });
  const { status, body } = reply;
  await database.inWorkspace(workspaceId, (em) => storeIdempotentAnswer(em, claim, { status, body }));
  return reply;
}

/** The stored answer; null when the request is to be served. @throws PerdureError */
function readClaim(key: string, verdict: IdempotencyClaim): Reply | null {
  if (verdict.outcome === 'different')
    throw new PerdureError(
      'idempotency_conflict',
      `Idempotency-Key "${key}" was used within 24 hours for a request with another address or body. Use a new key.`,
    );
  if (verdict.outcome === 'open')
    throw new PerdureError(
      'request_in_progress',
      `The request with the Idempotency-Key "${key}" is still under way, or was interrupted. Ask again in a moment; where it stays so, find out what it did, then use a new key.`,
    );
  if (verdict.outcome === 'claimed') return null;
  return { status: verdict.status, body: verdict.body, headers: { 'idempotent-replayed': 'true' } };
}
