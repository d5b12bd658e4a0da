import type { EntityManager } from '@mikro-orm/postgresql';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { ensureUser } from '../../entities/tenancy/user-repository.ts';
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
): Promise<{ id: string; externalId: string }> {
  const externalId = named ?? request.user ?? defaultUser;
  const id = await ensureUser(em, { workspaceId: request.principal.workspaceId, externalId, newId: uuidV7() });
  return { id, externalId };
}

/** Whether a request says for whom it acts, or leaves that to the default. */
export function namesUser(request: { user: string | null }, named: string | undefined): boolean {
  return named !== undefined || request.user !== null;
}
