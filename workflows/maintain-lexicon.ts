import {
  isCancellation,
  patched,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import { maintainLexiconOptions, reportLooksOptions } from './activity-options.ts';

type Steps = ReturnType<typeof createUpkeepActivities>;

const { foldTermStatistics, indexGenerations, sweepGrownModels } = proxyLocalActivities<Steps>(maintainLexiconOptions);
const { reportLooks } = proxyLocalActivities<Steps>(reportLooksOptions);

// Shorter than the run's time-out, also when a worker was away for a while.
const mostLooksForMs = 270_000;
const endsBeforeMs = 25_000;

/**
 * Keeps full text search fast and whole: folds the statistics that ingestion appends, before searches have much to sum
 * up, and indexes what was ingested before there was an index. Vectors that have become many get their index too. A schedule starts one of these every five minutes; it looks
 * every ten seconds, and at once while there is more to index. A look that fails is repeated by the next.
 */
export async function maintainLexicon(): Promise<{ folded: number; indexed: number }> {
  const timeOutMs = workflowInfo().executionTimeoutMs ?? Number.POSITIVE_INFINITY;
  const end = Date.now() + Math.min(mostLooksForMs, Math.max(timeOutMs - endsBeforeMs, timeOutMs / 2));
  const done = { folded: 0, indexed: 0 };
  let looks = 0;
  let failedLooks = 0;
  for (let look = 1; Date.now() < end; look += 1) {
    looks = look;
    let indexed = 0;
    try {
      done.folded += (await foldTermStatistics()).folded;
      indexed = (await indexGenerations()).indexed;
      done.indexed += indexed;
      if (patched('sweep-grown-models')) await sweepGrownModels();
    } catch (error) {
      // A local activity's failure comes as it is, not as an ActivityFailure.
      if (isCancellation(error)) throw error;
      failedLooks += 1;
    }
    setCurrentDetails(`${done.folded} changes folded and ${done.indexed} documents indexed in ${look} looks`);
    if (indexed === 0) await sleep('10 seconds', { summary: 'Until the next look' });
  }
  if (patched('report-looks')) {
    try {
      await reportLooks({ task: 'maintain-lexicon', looks, failedLooks, did: done });
    } catch (error) {
      // What was done does not depend on its report.
      if (isCancellation(error)) throw error;
    }
  }
  return done;
}
