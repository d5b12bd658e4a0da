import type { Database } from '../../platform/database.ts';
import { createBuildVectorIndexes } from './build-vector-indexes.ts';

/** What the steps that look after embedding models are made with. */
export type ModelDeps = { database: Database };

/** The steps that look after the vectors of embedding models. */
export function createModelActivities(deps: ModelDeps) {
  return {
    buildVectorIndexes: createBuildVectorIndexes(deps),
  };
}
