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
import { createSweepBudgets } from '../webhooks/sweep-budgets.ts';
import { createSweepDeliveries } from '../webhooks/sweep-deliveries.ts';
import type { SweepDeliveriesDeps } from '../webhooks/webhook-deps.ts';
import { createCheckInvariants, type CheckDeps } from '../invariants/check-and-alert.ts';
import { createAggregateUsage } from './aggregate-usage.ts';
import { createFoldTermStatistics } from './fold-term-statistics.ts';
import { createIndexGenerations } from './index-generations.ts';
import { createReportLooks } from './report-looks.ts';
import { createRetainData, type RetainDataDeps } from './retain-data.ts';
import type { SweepLeftOversDeps } from './sweep-left-overs.ts';
import { createSweepOrphans } from './sweep-orphans.ts';
import { createSweepTurns, type SweepTurnsDeps } from './sweep-turns.ts';

/** The steps of scheduled upkeep. */
export function createUpkeepActivities(
  deps: SweepTurnsDeps &
    SweepAcceptedDocumentsDeps &
    SweepSyncsDeps &
    SweepModelsDeps &
    SweepEvaluationsDeps &
    SweepDeliveriesDeps &
    SweepLeftOversDeps &
    CheckDeps &
    RetainDataDeps,
) {
  return {
    sweepTurns: createSweepTurns(deps),
    sweepAcceptedDocuments: createSweepAcceptedDocuments(deps),
    sweepSyncs: createSweepSyncs(deps),
    sweepMoves: createSweepMoves(deps),
    sweepEvaluations: createSweepEvaluations(deps),
    sweepBudgets: createSweepBudgets(deps),
    sweepDeliveries: createSweepDeliveries(deps),
    sweepIndexes: createSweepIndexes(deps),
    sweepGrownModels: createSweepGrownModels(deps),
    sweepOrphans: createSweepOrphans(deps),
    foldTermStatistics: createFoldTermStatistics(deps),
    indexGenerations: createIndexGenerations(deps),
    reportLooks: createReportLooks(deps),
    checkInvariants: createCheckInvariants(deps),
    aggregateUsage: createAggregateUsage(deps),
    retainData: createRetainData(deps),
  };
}
