import { acceptLessons, claimStrayLessons } from '../../entities/memory/memory-lesson-repository.ts';
import { withReport } from '../upkeep/with-report.ts';
import type { MemoryDeps } from './memory-deps.ts';
import { runMemoryStep } from './run-memory-step.ts';

// A look follows in a few minutes; so many calls of a model at once are no burden beside conversations.
const atOnce = 25;

/**
 * Accepts a lesson for each conversation that has come to rest with something new, and starts its workflow; starts again
 * those whose workflow has gone or whose model failed. Running it twice, or on two workers at once, is harmless.
 */
export function createSweepLessons(deps: MemoryDeps): () => Promise<{ started: number }> {
  return () =>
    runMemoryStep(() =>
      withReport(deps, { task: 'learn-memories' }, async () => {
        const { idleSeconds } = deps.memory;
        if (idleSeconds === 0) return { result: { started: 0 }, finding: null };
        const accepted = await deps.database.asOperator((em) => acceptLessons(em, { idleSeconds, limit: atOnce }));
        const stray = await deps.database.asOperator((em) => claimStrayLessons(em, atOnce));
        for (const lesson of [...accepted, ...stray]) await deps.startLesson(lesson);
        const started = accepted.length + stray.length;
        const figures = { conversations_at_rest: accepted.length, lessons_left_over: stray.length };
        return {
          result: { started },
          finding:
            started === 0
              ? null
              : {
                  saw: figures,
                  decided: 'learn',
                  reason: `No message for ${idleSeconds} s, and messages from which nothing was learned yet.`,
                  did: { started },
                },
        };
      }),
    );
}
