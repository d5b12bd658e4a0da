import { errorTable, type ErrorCode } from '../../contracts/errors.ts';
import { failLesson as noteFailure, type LessonKey } from '../../entities/memory/memory-lesson-repository.ts';
import { settleLostCalls } from '../../entities/memory/memory-usage-repository.ts';
import type { MemoryDeps } from './memory-deps.ts';
import { runMemoryStep } from './run-memory-step.ts';

/** Notes why a lesson failed, so that a sweep asks for it again in an hour. */
export function createFailLesson(deps: MemoryDeps): (lesson: LessonKey, code: string) => Promise<void> {
  return (lesson, code) =>
    runMemoryStep(async () => {
      const { workspaceId } = lesson;
      const detail = Object.hasOwn(errorTable, code)
        ? errorTable[code as ErrorCode].title
        : 'The step ended in time-outs';
      await deps.database.inWorkspace(workspaceId, async (em) => {
        const userId = await noteFailure(em, lesson, { code, detail });
        // No attempt of it is under way any more.
        if (userId !== null) await settleLostCalls(em, { workspaceId, userId, seconds: 0 });
      });
    });
}
