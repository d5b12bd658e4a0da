import type { LearnedVerdict } from '../../contracts/names/workflows.ts';
import {
  extractionPrompt,
  messagesToRead,
  readExtraction,
  type UserMessage,
} from '../../domain/memory/extract-facts.ts';
import {
  beginLesson,
  endLesson,
  keepFound,
  readLessonMessages,
  type LessonKey,
} from '../../entities/memory/memory-lesson-repository.ts';
import { settleLostCalls } from '../../entities/memory/memory-usage-repository.ts';
import { listRecalledLines } from '../../entities/memory/memory-version-repository.ts';
import { lockMemoryOwner } from '../../entities/memory/user-memory-repository.ts';
import { findSideModels } from '../conversation/side-models.ts';
import { askForJson, longestCallSeconds } from './ask-for-json.ts';
import type { MemoryDeps } from './memory-deps.ts';
import { runMemoryStep } from './run-memory-step.ts';

// About 12,000 tokens of prose: what was said before that in one conversation is left out.
const mostCharacters = 40_000;

/**
 * Has a model find facts worth keeping in what the user has said since the conversation was last learned from. What it
 * finds is kept with its payment; `nothing` ends the lesson.
 */
export function createFindFacts(deps: MemoryDeps): (lesson: LessonKey) => Promise<LearnedVerdict> {
  return (lesson) =>
    runMemoryStep(async (step) => {
      const { workspaceId } = lesson;
      const begun = await deps.database.inWorkspace(workspaceId, async (em) => {
        const row = await beginLesson(em, lesson);
        if (!row?.isOpen) return null;
        await settleLostCalls(em, { workspaceId, userId: row.userId, seconds: longestCallSeconds });
        const recalled = new Set(await listRecalledLines(em, row.userId));
        const messages = await readLessonMessages(em, lesson, row.learnedSequence);
        const { turnId, modelId } = row;
        const models =
          turnId === null || modelId === null
            ? []
            : await findSideModels(deps, em, { workspaceId, turnId, current: modelId });
        return { ...row, recalled, models, messages };
      });
      if (!begun) return { state: 'gone', version: null };
      const end = (reason: string) => skip(deps, lesson, begun.userId, reason);
      if (!begun.learns) return end('opted_out');
      if (begun.found !== null) return { state: begun.found.length > 0 ? 'found' : 'nothing', version: null };
      const originals = begun.messages.map(({ id, content, said_at }): UserMessage => ({
        ...{ id, content },
        said_at: said_at.toISOString(),
      }));
      const { read, leftOut } = newest(messagesToRead(originals, begun.recalled));
      if (read.length === 0) return end('nothing_said');
      if (begun.models.length === 0) return end('no_model');
      const { value, model } = await askForJson(
        deps,
        {
          ...{ workspaceId, userId: begun.userId, purpose: 'find', models: begun.models },
          messages: extractionPrompt(read),
          read: (text) => readExtraction(text, read, originals),
        },
        step,
      );
      const { facts, dropped } = value;
      const outcome = { model, messages: read.length, left_out: leftOut, dropped };
      await deps.database.inWorkspace(workspaceId, (em) => keepFound(em, lesson, { found: facts, outcome }));
      if (facts.length > 0) return { state: 'found', version: null };
      return end('nothing_found');
    });
}

/** The newest of the messages that fit, in their order, and how many were left out. */
function newest(messages: readonly UserMessage[]): { read: UserMessage[]; leftOut: number } {
  let room = mostCharacters;
  const read: UserMessage[] = [];
  for (const message of messages.toReversed()) {
    const content = message.content.slice(0, mostCharacters).toWellFormed();
    if (content.length > room) break;
    room -= content.length;
    read.unshift({ ...message, content });
  }
  return { read, leftOut: messages.length - read.length };
}

async function skip(deps: MemoryDeps, lesson: LessonKey, userId: string, reason: string): Promise<LearnedVerdict> {
  const isEnded = await deps.database.inWorkspace(lesson.workspaceId, async (em) => {
    await lockMemoryOwner(em, userId);
    const state = reason === 'nothing_found' ? 'completed' : 'skipped';
    return endLesson(em, lesson, { state, outcome: { reason } });
  });
  return { state: isEnded ? 'nothing' : 'gone', version: null };
}
