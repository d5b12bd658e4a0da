import type { EntityManager } from '@mikro-orm/postgresql';
import { findUser } from '../../entities/tenancy/user-repository.ts';
import { notFound } from '../framework/validate-request.ts';

/** Lets a request that acts for one user see nothing of another. @throws PerdureError `not_found`. */
export function requireSame(externalId: string, user: string | null): void {
  if (user !== null && user !== externalId) throw notFound('memory');
}

/** The user whose memory a request is about. @throws PerdureError `not_found` when there is none, or not for this request. */
export async function findMemoryOwner(
  em: EntityManager,
  externalId: string,
  user: string | null,
): Promise<{ userId: string }> {
  requireSame(externalId, user);
  const userId = await findUser(em, externalId);
  if (userId === null) throw notFound('memory');
  return { userId };
}
