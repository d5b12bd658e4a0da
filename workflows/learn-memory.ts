import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { createMemoryActivities } from '../activities/memory/create-memory-activities.ts';
import type { LearnedVerdict, LearnMemoryInput } from '../contracts/names/workflows.ts';
import { askAboutMemoryOptions, endLessonOptions } from './memory-options.ts';

type Steps = ReturnType<typeof createMemoryActivities>;

const { findFacts, learnFacts } = proxyActivities<Steps>(askAboutMemoryOptions);
const { failLesson } = proxyActivities<Steps>(endLessonOptions);

/**
 * Learns from a conversation that has come to rest what is worth keeping of its user: finds facts in the user's own words,
 * then puts them into the memory. Text stays in Postgres; the history has ids and verdicts.
 */
export async function learnMemory(input: LearnMemoryInput): Promise<LearnedVerdict> {
  try {
    const found = await findFacts.executeWithOptions({ summary: "Find facts in the user's messages" }, [input]);
    const verdict =
      found.state === 'found'
        ? await learnFacts.executeWithOptions({ summary: 'Compare them with the memory and write it' }, [input])
        : found;
    const version = verdict.version === null ? '' : `: version ${verdict.version} of the memory`;
    setCurrentDetails(`Ended as ${verdict.state}${version}`);
    return verdict;
  } catch (error) {
    if (isCancellation(error)) throw error;
    const cause = error instanceof ActivityFailure ? error.cause : error;
    const code = (cause instanceof ApplicationFailure ? cause.type : null) ?? 'unavailable';
    await failLesson(input, code);
    throw ApplicationFailure.create({
      type: code,
      message: 'Nothing was learned; a sweep asks again.',
      nonRetryable: true,
    });
  }
}
