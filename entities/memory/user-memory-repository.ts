import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** What is remembered of one user. */
export type UserMemoryRow = {
  user: string;
  memory: string;
  metadata: Record<string, unknown>;
  created_at: Date;
  updated_at: Date;
};

/** Finds the memory of a user by external id. */
export async function findUserMemory(em: EntityManager, externalId: string): Promise<UserMemoryRow | null> {
  const [row] = await query<UserMemoryRow>(
    em,
    `select u.external_id as "user", m.memory, m.metadata, m.created_at, m.updated_at
     from user_memories m join users u on u.id = m.user_id where u.external_id = $1`,
    [externalId],
  );
  return row ?? null;
}

/** Writes the one row of a user, whether there was one or not. */
export async function putUserMemory(
  em: EntityManager,
  memory: { workspaceId: string; userId: string; memory: string; metadata: Record<string, unknown> },
): Promise<void> {
  await query(
    em,
    `insert into user_memories (user_id, workspace_id, memory, metadata) values ($1, $2, $3, $4)
     on conflict (user_id) do update set memory = excluded.memory, metadata = excluded.metadata, updated_at = now()`,
    [memory.userId, memory.workspaceId, memory.memory, JSON.stringify(memory.metadata)],
  );
}

/** Removes the memory of a user; false when there was none. */
export async function deleteUserMemory(em: EntityManager, externalId: string): Promise<boolean> {
  const rows = await query(
    em,
    `delete from user_memories m using users u where u.id = m.user_id and u.external_id = $1 returning 1`,
    [externalId],
  );
  return rows.length > 0;
}
