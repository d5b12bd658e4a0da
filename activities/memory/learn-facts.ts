import type { EntityManager } from '@mikro-orm/postgresql';
import type { FoundFact } from '../../contracts/names/memory-fact.ts';
import type { LearnedVerdict } from '../../contracts/names/workflows.ts';
import { comparisonPrompt, readComparison, type Relation } from '../../domain/memory/compare-facts.ts';
import { boundMemory } from '../../domain/memory/condense-memory.ts';
import { memoryLines, type Remembered } from '../../domain/memory/memory-lines.ts';
import { factsToCompare, mergeFacts } from '../../domain/memory/merge-facts.ts';
import { estimateTokens } from '../../domain/prompting/estimate-tokens.ts';
import {
  beginLesson,
  endLesson,
  noteLessonVersion,
  type LessonKey,
} from '../../entities/memory/memory-lesson-repository.ts';
import { writeMemory } from '../../entities/memory/memory-version-repository.ts';
import { lockMemoryOwner, readMemoryOwner, type MemoryOwner } from '../../entities/memory/user-memory-repository.ts';
import { findSideModels, type SideModel } from '../conversation/side-models.ts';
import { askForJson } from './ask-for-json.ts';
import type { MemoryDeps } from './memory-deps.ts';
import { runMemoryStep, type MemoryStep } from './run-memory-step.ts';

// Until its condensation a memory may be over its cap, but not by more than this.
const mostOfCap = 2;

type Work = { owner: MemoryOwner; found: readonly FoundFact[]; models: readonly SideModel[] };

/**
 * Puts what was found into the memory of the user. A model says which statements agree or contradict each other, by numbers;
 * code decides which stays. The memory is written for the version that was compared: when somebody has written another
 * meanwhile, it is compared anew. A lesson that is over, or whose user was forgotten, writes nothing.
 */
export function createLearnFacts(deps: MemoryDeps): (lesson: LessonKey) => Promise<LearnedVerdict> {
  return (lesson) =>
    runMemoryStep(async (step) => {
      const { workspaceId } = lesson;
      for (;;) {
        step.signal.throwIfAborted();
        const work = await deps.database.inWorkspace(workspaceId, (em) => read(deps, em, lesson));
        if (!work) return { state: 'gone', version: null };
        const relations = await compare(deps, { ...work, workspaceId }, step);
        const learned = await deps.database.inWorkspace(workspaceId, (em) => learn(deps, em, lesson, work, relations));
        if (learned !== 'changed') return learned;
      }
    });
}

async function read(deps: MemoryDeps, em: EntityManager, lesson: LessonKey): Promise<Work | null> {
  const row = await beginLesson(em, lesson);
  const owner = row && (await readMemoryOwner(em, row.userId));
  if (!row?.isOpen || !owner || row.found === null) return null;
  const { turnId, modelId, found } = row;
  const models =
    turnId === null || modelId === null
      ? []
      : await findSideModels(deps, em, { workspaceId: lesson.workspaceId, turnId, current: modelId });
  return { owner, found, models };
}

async function compare(
  deps: MemoryDeps,
  { workspaceId, owner, found, models }: Work & { workspaceId: string },
  step: MemoryStep,
): Promise<readonly Relation[]> {
  const memory = rememberedOf(owner);
  const known = memoryLines(memory).map(({ statement }) => statement);
  const statements = [...known, ...factsToCompare(memory, found).map(({ statement }) => statement)];
  // One alone has nothing to agree with, and what is known was compared when it came.
  if (statements.length === known.length || statements.length === 1) return [];
  const { value } = await askForJson(
    deps,
    {
      ...{ workspaceId, userId: owner.userId, purpose: `compare/${owner.version}`, models },
      messages: comparisonPrompt(statements, known.length),
      read: (text) => readComparison(text, statements.length, known.length),
    },
    step,
  );
  return value;
}

async function learn(
  deps: MemoryDeps,
  em: EntityManager,
  lesson: LessonKey,
  { owner: seen, found }: Work,
  relations: readonly Relation[],
): Promise<LearnedVerdict | 'changed'> {
  const owner = await lockMemoryOwner(em, seen.userId);
  if (!owner) return { state: 'gone', version: null };
  if (owner.version !== seen.version || owner.memory !== seen.memory) return 'changed';
  if (!owner.learns) {
    const outcome = { reason: 'opted_out' };
    const isEnded = await endLesson(em, lesson, { state: 'skipped', outcome });
    return { state: isEnded ? 'nothing' : 'gone', version: null };
  }
  const { workspaceId, conversationId, upToSequence } = lesson;
  const merged = mergeFacts(rememberedOf(owner), found, relations, conversationId);
  const { added, confirmed, superseded, outdated } = merged;
  const most = (owner.capTokens ?? deps.memory.capTokens) * mostOfCap;
  const bounded = boundMemory(merged, most, estimateTokens);
  const outcome = { added, confirmed, superseded, outdated, cut: bounded.cut };
  if (!(await endLesson(em, lesson, { state: 'completed', outcome }))) return { state: 'gone', version: null };
  const isSame = bounded.text === owner.memory.trim() && confirmed.length === 0;
  if (isSame) return { state: 'nothing', version: null };
  const version = await writeMemory(em, {
    ...{ workspaceId, userId: owner.userId, memory: bounded.text, metadata: owner.metadata, facts: bounded.facts },
    tokens: estimateTokens(bounded.text),
    origin: 'learned',
    detail: { conversation_id: conversationId, up_to_sequence: upToSequence, ...outcome },
  });
  await noteLessonVersion(em, lesson, version);
  return { state: 'learned', version };
}

function rememberedOf({ memory, facts }: MemoryOwner): Remembered {
  return { text: memory, facts };
}
