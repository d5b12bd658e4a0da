import type { z } from 'zod';
import type { memoryVersionEntrySchema, memoryVersionSchema, userMemorySchema } from '../../contracts/user-memory.ts';
import type { MemoryVersionRow } from '../../entities/memory/memory-version-repository.ts';
import type { UserMemoryRow } from '../../entities/memory/user-memory-repository.ts';
import { presentTime } from '../framework/present-time.ts';

/** A memory as the API shows it; `capTokens` is the server's own cap. */
export function presentMemory(row: UserMemoryRow, capTokens: number): z.input<typeof userMemorySchema> {
  return {
    user: row.user,
    memory: row.memory,
    metadata: row.metadata,
    facts: row.facts,
    version: row.version,
    origin: row.origin,
    tokens: row.tokens,
    cap_tokens: row.cap_tokens ?? capTokens,
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}

/** A version of a memory in the list of them. */
export function presentVersionEntry(row: MemoryVersionRow): z.input<typeof memoryVersionEntrySchema> {
  const { version, origin, tokens, detail, created_at } = row;
  return { version, origin, tokens, detail, created_at: presentTime(created_at) };
}

/** A version of a memory with its text. */
export function presentVersion(row: MemoryVersionRow): z.input<typeof memoryVersionSchema> {
  const { memory, metadata, facts } = row;
  return { ...presentVersionEntry(row), memory, metadata, facts };
}
