import { createCondenseMemory } from './condense-memory.ts';
import { createFailLesson } from './fail-lesson.ts';
import { createFindFacts } from './find-facts.ts';
import { createLearnFacts } from './learn-facts.ts';
import { createListFullMemories } from './list-full-memories.ts';
import type { MemoryDeps } from './memory-deps.ts';
import { createSweepLessons } from './sweep-lessons.ts';

/** The steps that look after what is remembered of users. */
export function createMemoryActivities(deps: MemoryDeps) {
  return {
    sweepLessons: createSweepLessons(deps),
    findFacts: createFindFacts(deps),
    learnFacts: createLearnFacts(deps),
    failLesson: createFailLesson(deps),
    listFullMemories: createListFullMemories(deps),
    condenseMemory: createCondenseMemory(deps),
  };
}
