import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { createModelActivities } from '../activities/embedding-models/create-model-activities.ts';
import type { IndexModelInput, IndexModelResult } from '../contracts/names/workflows.ts';
import { buildVectorIndexesOptions } from './activity-options.ts';

const { buildVectorIndexes } = proxyActivities<ReturnType<typeof createModelActivities>>(buildVectorIndexesOptions);

/** Builds the indexes that a model's vectors shall have, and drops those that they replace. */
export async function indexModel(input: IndexModelInput): Promise<IndexModelResult> {
  const result = await buildVectorIndexes(input);
  const waiting = result.waitsForRows === null ? '' : `, waits for ${result.waitsForRows} rows`;
  setCurrentDetails(`${result.built.length} built, ${result.dropped.length} dropped${waiting}`);
  return result;
}
