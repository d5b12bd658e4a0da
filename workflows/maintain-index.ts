import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { createModelActivities } from '../activities/embedding-models/create-model-activities.ts';
import type { IndexModelInput } from '../contracts/names/workflows.ts';
import type { ExaminedIndex } from '../domain/vector-indexes/index-health.ts';
import { examineIndexesOptions, indexStepOptions, mendIndexOptions } from './activity-options.ts';

type Steps = ReturnType<typeof createModelActivities>;

const { examineIndexes } = proxyActivities<Steps>(examineIndexesOptions);
const { reportIndex } = proxyActivities<Steps>(indexStepOptions);

const summaries = {
  nothing: 'Nothing',
  analyze: 'Make the statistics of the vectors anew',
  vacuum: 'Vacuum the vectors',
  reindex: 'Build an index anew beside the one that serves',
  raise_ef_search: 'Search more broadly',
} as const satisfies Record<ExaminedIndex['decision']['action'], string>;

/** What was done about the indexes of a model. */
export type MaintainedModel = { indexes: { name: string; action: string; kept: boolean | null }[] };

/**
 * Measures the indexes of a model, does what that shows to be needed, and reports it. A cancel ends what is under way in
 * the database, takes back what is half done, and is reported too.
 */
export async function maintainIndex(input: IndexModelInput): Promise<MaintainedModel> {
  const result: MaintainedModel = { indexes: [] };
  for (const examined of await examineIndexes(input)) {
    const { name, decision } = examined;
    setCurrentDetails(`- \`${name}\`: ${decision.action}. ${decision.reason}`);
    if (decision.action === 'nothing') result.indexes.push({ name, action: 'nothing', kept: null });
    else result.indexes.push({ name, action: decision.action, kept: await mend(input, examined) });
  }
  return result;
}

async function mend(input: IndexModelInput, examined: ExaminedIndex): Promise<boolean | null> {
  const { mendIndex } = proxyActivities<Steps>({
    ...mendIndexOptions,
    summary: summaries[examined.decision.action],
  });
  try {
    const mended = await mendIndex(input, examined);
    await CancellationScope.nonCancellable(() => reportIndex(input.workspaceId, examined, { mended }));
    return mended.kept;
  } catch (error) {
    await CancellationScope.nonCancellable(() => reportIndex(input.workspaceId, examined, failureOf(error)));
    throw error;
  }
}

function failureOf(error: unknown): { code: string; detail: string } {
  if (isCancellation(error))
    return { code: 'cancelled', detail: 'It was cancelled; the index that serves is as it was.' };
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'internal', detail: cause.message };
  return { code: 'internal', detail: 'The step did not end within its time.' };
}
