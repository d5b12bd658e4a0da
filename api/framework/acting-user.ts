import type { EntityManager } from '@mikro-orm/postgresql';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { ensureUser } from '../../entities/user-repository.ts';
import type { Principal } from './scope.ts';

/** The external id that stands for whoever does not name an end user. */
export const defaultUser = 'default';

/**
 * The end user that a request acts for: named in its body or query, else in `x-perdure-user`, else `default`. The users
 * row is made on first sight.
 */
export async function actingUser(
  em: EntityManager,
  request: { principal: Principal; user: string | null },
  named: string | undefined,
): Promise<{ id: string; externalId: string; named: boolean }> {
  const given = named ?? request.user;
  const externalId = given ?? defaultUser;
  const id = await ensureUser(em, { workspaceId: request.principal.workspaceId, externalId, newId: uuidV7() });
  return { id, externalId, named: given !== null };
}
