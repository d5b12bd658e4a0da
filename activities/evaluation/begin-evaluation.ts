import type { EvaluateInput, EvaluationLayout } from '../../contracts/names/workflows.ts';
import { layOutRun } from '../../domain/evaluations/lay-out-run.ts';
import {
  countItems,
  makeItems,
  readOpenBlocks,
  reuseItems,
} from '../../entities/evaluations/evaluation-item-repository.ts';
import { beginRun, readRunPlan } from '../../entities/evaluations/evaluation-repository.ts';
import type { EvaluationDeps } from './evaluation-deps.ts';
import { runMetrics, variantHash } from './open-run.ts';
import { runEvaluationStep } from './run-evaluation-step.ts';

const closed: EvaluationLayout = {
  isOpen: false,
  blocks: [],
  itemsPerBlock: 1,
  total: 0,
  lanes: 0,
  cases: 0,
  repetitions: 0,
  variants: [],
  holdsTurns: false,
  scoringOnly: false,
};

/**
 * Lets a run begin or go on: makes its items the first time, takes over what earlier runs have if that is wished, and says
 * which blocks hold open items. Not open if the run has ended.
 */
export function createBeginEvaluation(deps: EvaluationDeps): (input: EvaluateInput) => Promise<EvaluationLayout> {
  return async function beginEvaluation({ workspaceId, evaluationId }) {
    return runEvaluationStep(async ({ runId }) => {
      const key = { workspaceId, evaluationId };
      const layout = await deps.database.inWorkspace(workspaceId, async (em) => {
        if (!(await beginRun(em, key, runId))) return closed;
        const plan = await readRunPlan(em, key);
        if (plan === null) return closed;
        const { target, configuration } = plan;
        await makeItems(em, {
          ...key,
          datasetId: plan.datasetId,
          datasetVersion: plan.datasetVersion,
          variantHashes: target.variants.map((variant) => variantHash(plan.type, variant, configuration.seed)),
          repetitions: configuration.repetitions,
          tags: configuration.tags,
          limit: configuration.limit,
        });
        if (plan.reuse) await reuseItems(em, key, runMetrics(target, configuration));
        const { lanes } = configuration;
        const { itemsPerBlock, atOnce } = layOutRun(await countItems(em, key), lanes);
        const { blocks, total, waitingTurns } = await readOpenBlocks(em, key, itemsPerBlock);
        return {
          isOpen: true,
          blocks,
          itemsPerBlock,
          total,
          lanes,
          atOnce,
          cases: total / Math.max(1, target.variants.length * configuration.repetitions),
          repetitions: configuration.repetitions,
          variants: target.variants.map(({ name }) => name),
          scoringOnly: plan.type === 'agent',
          holdsTurns: plan.type === 'agent' && waitingTurns > 0,
        };
      });
      deps.notifyEvaluation(evaluationId);
      return layout;
    });
  };
}
