import type { MemoryFact } from '../contracts/names/memory-fact.ts';
import { annotateWritten } from '../domain/memory/memory-lines.ts';
import { estimateTokens } from '../domain/prompting/estimate-tokens.ts';

/** Makes what the API must know of memories to write one; they may have `capTokens`. */
export function createMemoryDesk(capTokens: number) {
  return {
    capTokens,
    describe: (text: string, facts: readonly MemoryFact[]) => ({
      tokens: estimateTokens(text),
      facts: annotateWritten(text, facts, new Date().toISOString()),
    }),
  };
}
