import type { EntityManager } from '@mikro-orm/postgresql';
import type { MemoryFact, MemoryOrigin } from '../../contracts/names/memory-fact.ts';
import { query } from '../sql.ts';

/** What is remembered of one user, and how its newest version came to be. */
export type UserMemoryRow = {
  user: string;
  memory: string;
  metadata: Record<string, unknown>;
  facts: MemoryFact[];
  version: number;
  tokens: number;
  /** The user's own; null leaves it to the configuration. */
  cap_tokens: number | null;
  origin: MemoryOrigin;
  created_at: Date;
  updated_at: Date;
};

/** Finds the memory of a user by external id. */
export async function findUserMemory(em: EntityManager, externalId: string): Promise<UserMemoryRow | null> {
  const [row] = await query<UserMemoryRow>(
    em,
    `select u.external_id as "user", m.memory, m.metadata, m.facts, m.version, m.token_count as tokens,
            u.memory_cap_tokens as cap_tokens, coalesce(v.origin, 'written') as origin, m.created_at, m.updated_at
     from user_memories m join users u on u.id = m.user_id
     left join memory_versions v on v.user_id = m.user_id and v.version = m.version
     where u.external_id = $1`,
    [externalId],
  );
  return row ?? null;
}

/** A user as far as the memory is concerned; `version` is 0 where nothing is remembered. */
export type MemoryOwner = {
  userId: string;
  learns: boolean;
  capTokens: number | null;
  version: number;
  memory: string;
  metadata: Record<string, unknown>;
  facts: MemoryFact[];
};

const ownerOf = (user: string) => `
  select u.id as "userId", u.memory_learning as learns, u.memory_cap_tokens as "capTokens", coalesce(m.version, 0) as version,
         coalesce(m.memory, '') as memory, coalesce(m.metadata, '{}') as metadata, coalesce(m.facts, '[]') as facts
  from users u left join user_memories m on m.user_id = u.id where u.id = ${user}`;

/** Reads what is remembered of a user, null for a user who is gone. */
export async function readMemoryOwner(em: EntityManager, userId: string): Promise<MemoryOwner | null> {
  const [row] = await query<MemoryOwner>(em, ownerOf('$1'), [userId]);
  return row ?? null;
}

/** The same under a lock that all writers of the memory take, whether there is a row of it or not. */
export async function lockMemoryOwner(em: EntityManager, userId: string): Promise<MemoryOwner | null> {
  // Two statements: one alone would see the memory as it was before the lock was given.
  const locked = await query(em, `select 1 from users where id = $1 for no key update`, [userId]);
  return locked.length === 0 ? null : readMemoryOwner(em, userId);
}

/**
 * Removes the memory of a user with all its versions, and forgets what was to be learned from what they have said. False when
 * there was neither.
 */
export async function forgetUser(em: EntityManager, userId: string): Promise<boolean> {
  const rows = await query(
    em,
    `with versions as (delete from memory_versions where user_id = $1),
     lessons as (delete from memory_lessons where user_id = $1),
     learned as (
       -- Not the moment of now: a conversation that nobody has touched keeps its time.
       update conversations set learned_sequence = last_sequence, updated_at = updated_at + interval '1 microsecond'
       where user_id = $1 and learned_sequence < last_sequence returning id),
     memory as (delete from user_memories where user_id = $1 returning user_id)
     select id from learned union all select user_id from memory`,
    [userId],
  );
  return rows.length > 0;
}

/** What a user has chosen about the memory. */
export type MemorySettings = { learn: boolean; recall: boolean; cap_tokens: number | null };

/** The choices of a user by external id, null for a user who was never seen. */
export async function findMemorySettings(em: EntityManager, externalId: string): Promise<MemorySettings | null> {
  const [row] = await query<MemorySettings>(
    em,
    `select memory_learning as learn, memory_recall as recall, memory_cap_tokens as cap_tokens
     from users where external_id = $1`,
    [externalId],
  );
  return row ?? null;
}

/** Writes the choices of a user. */
export async function putMemorySettings(em: EntityManager, userId: string, settings: MemorySettings): Promise<void> {
  await query(
    em,
    `update users set memory_learning = $2, memory_recall = $3, memory_cap_tokens = $4, updated_at = now() where id = $1`,
    [userId, settings.learn, settings.recall, settings.cap_tokens],
  );
}
