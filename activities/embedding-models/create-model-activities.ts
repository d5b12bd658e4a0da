import { createBuildVectorIndexes } from './build-vector-indexes.ts';
import { createExamineIndexes } from './examine-indexes.ts';
import { createListModelsToMaintain } from './list-models-to-maintain.ts';
import type { MaintenanceDeps } from './maintenance-deps.ts';
import { createMendIndex } from './mend-index.ts';
import type { ModelDeps } from './model-deps.ts';
import {
  createBeginMove,
  createClearVectors,
  createEmbedMoved,
  createFinishMove,
  createSwitchModel,
} from './move-embeddings.ts';
import { createReportIndex } from './report-index.ts';

/** The steps that look after the vectors of embedding models. */
export function createModelActivities(deps: ModelDeps & MaintenanceDeps) {
  return {
    buildVectorIndexes: createBuildVectorIndexes(deps),
    listModelsToMaintain: createListModelsToMaintain(deps),
    examineIndexes: createExamineIndexes(deps),
    mendIndex: createMendIndex(deps),
    reportIndex: createReportIndex(deps),
    beginMove: createBeginMove(deps),
    embedMoved: createEmbedMoved(deps),
    switchModel: createSwitchModel(deps),
    finishMove: createFinishMove(deps),
    clearVectors: createClearVectors(deps),
  };
}
