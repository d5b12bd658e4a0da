import { listFullMemories, type FullMemory } from '../../entities/memory/memory-version-repository.ts';
import type { MemoryDeps } from './memory-deps.ts';
import { runMemoryStep } from './run-memory-step.ts';

// Each is a call of a model; the next run goes on.
const atOnce = 20;

/** The memories that are over their cap, the largest first. */
export function createListFullMemories(deps: MemoryDeps): () => Promise<FullMemory[]> {
  return () =>
    runMemoryStep(() => deps.database.asOperator((em) => listFullMemories(em, deps.memory.capTokens, atOnce)));
}
