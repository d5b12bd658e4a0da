import { createBuildVectorIndexes } from './build-vector-indexes.ts';
import type { ModelDeps } from './model-deps.ts';
import {
  createBeginMove,
  createClearVectors,
  createEmbedMoved,
  createFinishMove,
  createSwitchModel,
} from './move-embeddings.ts';

/** The steps that look after the vectors of embedding models. */
export function createModelActivities(deps: ModelDeps) {
  return {
    buildVectorIndexes: createBuildVectorIndexes(deps),
    beginMove: createBeginMove(deps),
    embedMoved: createEmbedMoved(deps),
    switchModel: createSwitchModel(deps),
    finishMove: createFinishMove(deps),
    clearVectors: createClearVectors(deps),
  };
}
