import { createBeginEvaluation } from './begin-evaluation.ts';
import { createEvaluateItems } from './evaluate-items.ts';
import type { EvaluationDeps } from './evaluation-deps.ts';
import { createFinishEvaluation, createStopEvaluation } from './finish-evaluation.ts';
import { createHoldTurns } from './hold-turns.ts';
import { createBeginProposal, createEndProposal, createProposeFromPassages } from './propose-cases.ts';

/** The steps of evaluations. */
export function createEvaluationActivities(deps: EvaluationDeps) {
  return {
    beginEvaluation: createBeginEvaluation(deps),
    holdTurns: createHoldTurns(deps),
    evaluateItems: createEvaluateItems(deps),
    finishEvaluation: createFinishEvaluation(deps),
    stopEvaluation: createStopEvaluation(deps),
    beginProposing: createBeginProposal(deps),
    proposeFromPassages: createProposeFromPassages(deps),
    endProposing: createEndProposal(deps),
  };
}
