import type { EntityManager } from '@mikro-orm/postgresql';
import type { MemoryFact, MemoryOrigin } from '../../contracts/names/memory-fact.ts';
import { query } from '../sql.ts';
import { isSpent } from './memory-lesson-repository.ts';

const keptVersions = 50;

/** A memory to be written, and how it came to be. */
export type MemoryToWrite = {
  workspaceId: string;
  userId: string;
  memory: string;
  metadata: Record<string, unknown>;
  facts: readonly MemoryFact[];
  tokens: number;
  origin: MemoryOrigin;
  /** Ids, figures and statements that an auditor asks for. */
  detail: Record<string, unknown>;
};

/**
 * Writes the one row of a user, whether there was one or not, and the version that it is; returns its number. The newest
 * versions are kept. The caller holds the lock of `lockMemoryOwner`.
 */
export async function writeMemory(em: EntityManager, memory: MemoryToWrite): Promise<number> {
  const [row] = await query<{ version: number }>(
    em,
    `with numbered as (
       update users set memory_version = memory_version + 1, updated_at = now() where id = $2
       returning memory_version as version),
     kept as (
       insert into memory_versions (user_id, version, workspace_id, memory, metadata, facts, token_count, origin, detail)
       select $2, version, $1, $3, $4, $5, $6, $7, $8 from numbered),
     dropped as (
       delete from memory_versions v using numbered n where v.user_id = $2 and v.version <= n.version - $9)
     insert into user_memories (user_id, workspace_id, memory, metadata, facts, token_count, version)
     select $2, $1, $3, $4, $5, $6, version from numbered
     on conflict (user_id) do update
     set memory = excluded.memory, metadata = excluded.metadata, facts = excluded.facts,
         token_count = excluded.token_count, version = excluded.version, updated_at = now()
     returning version`,
    [
      memory.workspaceId,
      memory.userId,
      memory.memory,
      JSON.stringify(memory.metadata),
      JSON.stringify(memory.facts),
      memory.tokens,
      memory.origin,
      JSON.stringify(memory.detail),
      keptVersions,
    ],
  );
  if (!row) throw new Error(`User ${memory.userId} vanished while the memory was written`);
  return row.version;
}

/** A version of a memory. */
export type MemoryVersionRow = {
  version: number;
  memory: string;
  metadata: Record<string, unknown>;
  facts: MemoryFact[];
  tokens: number;
  origin: MemoryOrigin;
  detail: Record<string, unknown>;
  created_at: Date;
};

const columns = 'version, memory, metadata, facts, token_count as tokens, origin, detail, created_at';

/** Versions of a user's memory, newest first, below `before`. */
export async function listMemoryVersions(
  em: EntityManager,
  userId: string,
  { before, limit }: { before: number | null; limit: number },
): Promise<MemoryVersionRow[]> {
  return query<MemoryVersionRow>(
    em,
    `select ${columns} from memory_versions where user_id = $1 and ($2::integer is null or version < $2)
     order by version desc limit $3`,
    [userId, before, limit],
  );
}

/** One version, null where it is not kept. */
export async function findMemoryVersion(
  em: EntityManager,
  userId: string,
  version: number,
): Promise<MemoryVersionRow | null> {
  const rows = await query<MemoryVersionRow>(
    em,
    `select ${columns} from memory_versions where user_id = $1 and version = $2`,
    [userId, version],
  );
  return rows[0] ?? null;
}

/** The lines that any version that is kept has learned or condensed, as prompts carried them. */
export async function listRecalledLines(em: EntityManager, userId: string): Promise<string[]> {
  const rows = await query<{ line: string }>(
    em,
    `select distinct fact ->> 'line' as line
     from memory_versions cross join lateral jsonb_array_elements(facts) as f (fact)
     where user_id = $1 and fact ->> 'source' <> 'written'`,
    [userId],
  );
  return rows.map(({ line }) => line);
}

/** A memory that has more tokens than it may. */
export type FullMemory = { workspaceId: string; userId: string; version: number; tokens: number; cap: number };

/**
 * Memories over their cap, which is `cap` where the user has none, the largest first, without those of users whose budget is
 * used up; for the operator role.
 */
export async function listFullMemories(em: EntityManager, cap: number, limit: number): Promise<FullMemory[]> {
  return query<FullMemory>(
    em,
    `select m.workspace_id as "workspaceId", m.user_id as "userId", m.version, m.token_count as tokens,
            coalesce(u.memory_cap_tokens, $1) as cap
     from user_memories m join users u on u.id = m.user_id
     where m.token_count > coalesce(u.memory_cap_tokens, $1) and not ${isSpent('m.workspace_id', 'm.user_id')}
     order by m.token_count desc, m.user_id limit $2`,
    [cap, limit],
  );
}
