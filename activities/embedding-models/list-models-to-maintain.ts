import type { IndexModelInput } from '../../contracts/names/workflows.ts';
import { listIndexedModels } from '../../entities/agents/index-health-repository.ts';
import type { MaintenanceDeps } from './maintenance-deps.ts';
import { runModelStep } from './run-model-step.ts';

const atOnce = 100;

/** The next models, by id, whose vectors have an index. */
export function createListModelsToMaintain(
  deps: Pick<MaintenanceDeps, 'database'>,
): (after: string | null) => Promise<IndexModelInput[]> {
  return async function listModelsToMaintain(after) {
    return runModelStep(() => deps.database.asOperator((em) => listIndexedModels(em, after, atOnce)));
  };
}
