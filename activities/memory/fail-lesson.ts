import { errorTable, type ErrorCode } from '../../contracts/errors.ts';
import { failLesson as noteFailure, type LessonKey } from '../../entities/memory/memory-lesson-repository.ts';
import type { MemoryDeps } from './memory-deps.ts';
import { runMemoryStep } from './run-memory-step.ts';

/** Notes why a lesson failed, so that a sweep asks for it again in an hour. */
export function createFailLesson(deps: MemoryDeps): (lesson: LessonKey, code: string) => Promise<void> {
  return (lesson, code) =>
    runMemoryStep(async () => {
      const detail = Object.hasOwn(errorTable, code)
        ? errorTable[code as ErrorCode].title
        : 'The step ended in time-outs';
      await deps.database.inWorkspace(lesson.workspaceId, (em) => noteFailure(em, lesson, { code, detail }));
    });
}
