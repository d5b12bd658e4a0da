import type { MemoryFact } from '../../contracts/names/memory-fact.ts';

/** What the API must know of memories to write one. */
export interface MemoryDesk {
  /** Tokens that a memory may have whose user has no cap. */
  capTokens: number;
  /** How many tokens a text has that a person writes now, and what is known of its lines; `facts` is what was known before. */
  describe(text: string, facts: readonly MemoryFact[]): { tokens: number; facts: MemoryFact[] };
}
