import {
  createSweepAcceptedDocuments,
  type SweepAcceptedDocumentsDeps,
} from '../ingestion/sweep-accepted-documents.ts';
import { createSweepEvaluations } from '../evaluation/sweep-evaluations.ts';
import type { SweepEvaluationsDeps } from '../evaluation/evaluation-deps.ts';
import { createSweepSyncs, type SweepSyncsDeps } from '../sync/sweep-syncs.ts';
import {
  createSweepGrownModels,
  createSweepIndexes,
  createSweepMoves,
  type SweepModelsDeps,
} from '../embedding-models/sweep-models.ts';
import { createFoldTermStatistics } from './fold-term-statistics.ts';
import { createIndexGenerations } from './index-generations.ts';
import { createSweepOrphans } from './sweep-orphans.ts';
import { createSweepTurns, type SweepTurnsDeps } from './sweep-turns.ts';

/** The steps of scheduled upkeep. */
export function createUpkeepActivities(
  deps: SweepTurnsDeps & SweepAcceptedDocumentsDeps & SweepSyncsDeps & SweepModelsDeps & SweepEvaluationsDeps,
) {
  return {
    sweepTurns: createSweepTurns(deps),
    sweepAcceptedDocuments: createSweepAcceptedDocuments(deps),
    sweepSyncs: createSweepSyncs(deps),
    sweepMoves: createSweepMoves(deps),
    sweepEvaluations: createSweepEvaluations(deps),
    sweepIndexes: createSweepIndexes(deps),
    sweepGrownModels: createSweepGrownModels(deps),
    sweepOrphans: createSweepOrphans(deps),
    foldTermStatistics: createFoldTermStatistics(deps),
    indexGenerations: createIndexGenerations(deps),
  };
}
